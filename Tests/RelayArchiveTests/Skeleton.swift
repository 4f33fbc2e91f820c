enum RelayArchiveTestsSkeleton {}
