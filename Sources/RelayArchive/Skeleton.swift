enum RelayArchiveSkeleton {}
