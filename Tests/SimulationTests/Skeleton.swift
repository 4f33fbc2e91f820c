enum SimulationTestsSkeleton {}
