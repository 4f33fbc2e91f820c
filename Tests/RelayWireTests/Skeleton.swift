enum RelayWireTestsSkeleton {}
