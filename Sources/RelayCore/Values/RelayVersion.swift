/// The version of the relay, as programs print it and edges report it.
public enum RelayVersion {
    /// `MAJOR.MINOR.PATCH`.
    public static let current = "0.1.0"
}
