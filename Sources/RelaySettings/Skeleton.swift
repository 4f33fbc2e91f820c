enum RelaySettingsSkeleton {}
