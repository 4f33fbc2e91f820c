enum RelayRedisSkeleton {}
