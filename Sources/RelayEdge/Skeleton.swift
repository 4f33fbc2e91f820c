enum RelayEdgeSkeleton {}
