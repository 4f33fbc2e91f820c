enum RelayClientSkeleton {}
