enum RelayEdgeTestsSkeleton {}
