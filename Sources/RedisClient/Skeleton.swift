enum RedisClientSkeleton {}
