enum RelayWireSkeleton {}
