public import ArgumentParser
public import RelayCore

extension AddressRange: ExpressibleByArgument {
    /// Parses the notation of CIDR.
    public init?(argument: String) {
        self.init(argument)
    }
}
