enum RedisProtocolSkeleton {}
