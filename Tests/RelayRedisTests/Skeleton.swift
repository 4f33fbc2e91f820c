enum RelayRedisTestsSkeleton {}
