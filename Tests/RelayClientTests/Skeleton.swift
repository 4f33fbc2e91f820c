enum RelayClientTestsSkeleton {}
