enum RelayCoreTestsSkeleton {}
