extension RedisConfiguration {
    /// Reads a URL:
    ///
    ///     redis://[user[:password]@]host[:port][/database]
    ///     rediss://…                                            the same with TLS
    ///     unix://[user[:password]@]/path/of/socket[?db=database]
    ///
    /// User, password and path are percent-decoded. The port is 6379 where it is left out.
    public init(url: String) throws(RedisConfigurationError) {
        guard let mark = url.firstRange(of: "://") else {
            throw RedisConfigurationError("a Redis URL begins with redis://, rediss:// or unix://")
        }
        let scheme = url[..<mark.lowerBound].lowercased()
        let rest = url[mark.upperBound...]
        switch scheme {
        case "redis": try self.init(server: rest, tls: nil)
        case "rediss": try self.init(server: rest, tls: TLS())
        case "unix", "redis+unix": try self.init(socket: rest)
        case "redis-sentinel", "redis-cluster":
            throw RedisConfigurationError("\(scheme):// is not supported by this build")
        default:
            throw RedisConfigurationError("unknown scheme in a Redis URL: \(scheme)://")
        }
    }

    private init(server text: Substring, tls: TLS?) throws(RedisConfigurationError) {
        if text.contains("?") || text.contains("#") {
            throw RedisConfigurationError("a Redis URL takes no ? and no #; escape them as %3F and %23")
        }
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let (user, password, place) = try Self.divideUser(text[..<slash])
        let (host, port) = try Self.divideHost(place)
        self.init(address: .tcp(host: host, port: port), username: user, password: password, tls: tls)
        let path = text[slash...].dropFirst()
        if !path.isEmpty { database = try Self.database(path) }
    }

    private init(socket text: Substring) throws(RedisConfigurationError) {
        let question = text.firstIndex(of: "?") ?? text.endIndex
        let slash = text[..<question].firstIndex(of: "/") ?? question
        let authority = text[..<slash]
        guard authority.isEmpty || authority.hasSuffix("@") else {
            throw RedisConfigurationError("the path of a unix socket begins with /, as in unix:///run/redis.sock")
        }
        let (user, password, _) = try Self.divideUser(authority)
        let path = try Self.percentDecoded(text[slash..<question], what: "path")
        guard path.hasPrefix("/"), path.count > 1 else {
            throw RedisConfigurationError("a unix URL needs the path of a socket, as in unix:///run/redis.sock")
        }
        self.init(address: .unix(path: path), username: user, password: password)
        guard question < text.endIndex else { return }
        for item in text[question...].dropFirst().split(separator: "&") {
            guard item.hasPrefix("db=") else {
                throw RedisConfigurationError("unknown option in a Redis URL: \(item.prefix { $0 != "=" })")
            }
            database = try Self.database(item.dropFirst(3))
        }
    }

    private static func divideUser(
        _ authority: Substring
    ) throws(RedisConfigurationError) -> (user: String?, password: String?, place: Substring) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil, authority) }
        let who = authority[..<at]
        let colon = who.firstIndex(of: ":")
        let user = try percentDecoded(who[..<(colon ?? who.endIndex)], what: "user")
        let password: String?
        if let colon {
            password = try percentDecoded(who[colon...].dropFirst(), what: "password")
        } else {
            password = nil
        }
        let place = authority[at...].dropFirst()
        return (user.isEmpty ? nil : user, password?.isEmpty == true ? nil : password, place)
    }

    private static func divideHost(_ place: Substring) throws(RedisConfigurationError) -> (String, Int) {
        var host = place
        var port: Substring?
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else {
                throw RedisConfigurationError("the IPv6 address of a Redis URL has no ]")
            }
            host = place[..<end].dropFirst()
            let rest = place[end...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw RedisConfigurationError("a Redis URL has something else than a port behind ]")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = place.firstIndex(of: ":") {
            host = place[..<colon]
            port = place[colon...].dropFirst()
        }
        guard !host.isEmpty else { throw RedisConfigurationError("a Redis URL needs a host") }
        guard let port else { return (String(host), 6379) }
        guard let number = Int(port), (1...65535).contains(number) else {
            throw RedisConfigurationError("the port of a Redis URL is a number from 1 to 65535, not \(port)")
        }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(RedisConfigurationError) -> Int {
        guard let number = Int(text), number >= 0 else {
            throw RedisConfigurationError("the database of a Redis URL is a number from 0, not \(text)")
        }
        return number
    }

    private static func percentDecoded(_ text: Substring, what: String) throws(RedisConfigurationError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let hex = String(digits), let value = UInt8(hex, radix: 16) else {
                throw RedisConfigurationError("the \(what) of a Redis URL has a % without two hexadecimal digits")
            }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw RedisConfigurationError("the \(what) of a Redis URL is not UTF-8")
        }
        return decoded
    }
}
