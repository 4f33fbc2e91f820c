enum RelaySettingsTestsSkeleton {}
