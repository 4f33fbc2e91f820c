enum KitSkeleton {}
