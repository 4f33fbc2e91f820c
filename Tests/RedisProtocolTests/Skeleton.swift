enum RedisProtocolTestsSkeleton {}
