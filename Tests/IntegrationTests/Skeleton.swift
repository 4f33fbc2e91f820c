enum IntegrationTestsSkeleton {}
