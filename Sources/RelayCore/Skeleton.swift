enum RelayCoreSkeleton {}
