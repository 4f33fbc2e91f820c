enum RedisClientTestsSkeleton {}
