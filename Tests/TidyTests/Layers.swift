/// What one target may lean on: the arrows of the layout, as a table.
struct Layer {
    /// Targets of this package.
    var targets: Set<String>
    /// Modules from elsewhere; nil allows all, but see `allowsFoundation`.
    var modules: Set<String>?
    /// Foundation is for the two servers and what stands on them.
    var allowsFoundation = false
}

/// The law of the tree: pure rooms at the bottom, IO in the shells, arrows one way only.
enum Layers {
    static let byTarget: [String: Layer] = [
        "RelayCore": Layer(targets: [], modules: ["NIOCore", "DequeModule", "Collections"]),
        "RelayWire": Layer(targets: ["RelayCore"], modules: ["NIOCore"]),
        "RelayDeflate": Layer(targets: ["CZlib", "RelayWire"], modules: ["NIOCore"]),
        "RedisProtocol": Layer(targets: ["CHiredis"], modules: ["NIOCore", "DequeModule", "Collections"]),
        "RedisClient": Layer(targets: ["RedisProtocol"]),
        "RelayRedis": Layer(targets: ["RedisClient", "RedisProtocol", "RelayWire", "RelayCore"]),
        "RelayWeb": Layer(targets: ["CWebFiles"], modules: ["NIOCore"]),
        "RelayEdge": Layer(targets: ["RelayDeflate", "RelayWeb", "RelayWire", "RelayCore"], allowsFoundation: true),
        "RelayArchive": Layer(targets: ["RelayWire", "RelayCore"], allowsFoundation: true),
        "RelayClient": Layer(targets: ["RelayWire", "RelayCore"], allowsFoundation: true),
        "RelaySettings": Layer(targets: ["RelayCore", "RedisClient"], allowsFoundation: true),
        "RelayAuth": Layer(targets: ["RelayWire", "RelayCore"], allowsFoundation: true),
        "RelayProcess": Layer(targets: ["CSpawn"], modules: ["Glibc"]),
        "RelayCheck": Layer(targets: ["RelayClient", "RelayWire", "RelayCore"]),
        "RelayBench": Layer(
            targets: ["CEpoll", "RelayDeflate", "RelayWire"], modules: ["NIOCore", "Histogram", "Glibc"]),
        "martlet-edge": Layer(
            targets: [
                "RelayEdge", "RelayAuth", "RelayRedis", "RelayArchive", "RedisClient", "RelaySettings", "RelayWire",
                "RelayCore",
            ], allowsFoundation: true),
        "martlet-archiver": Layer(
            targets: ["RelayArchive", "RelayRedis", "RedisClient", "RelaySettings", "RelayWire", "RelayCore"],
            allowsFoundation: true),
        "martlet": Layer(
            targets: [
                "RelayAuth", "RelayBench", "RelayCheck", "RelayClient", "RelayRedis", "RedisClient", "RedisProtocol",
                "RelayArchive", "RelayEdge",
                "RelayProcess", "RelaySettings", "RelayWire", "RelayCore",
            ], allowsFoundation: true),
    ]

    /// Foundation under all of its names.
    static let foundation: Set<String> = ["Foundation", "FoundationEssentials", "FoundationNetworking"]

    /// Every target of ours that can be imported.
    static let importable = Set(byTarget.keys).union([
        "CEpoll", "CHiredis", "CSpawn", "CWebFiles", "CZlib", "RelayTestKit",
    ])

    /// Why `target` may not lean on `module`, or nil where it may.
    static func objection(target: String, module: String) -> String? {
        if module == target { return nil }
        if module == "CHiredis", target != "RedisProtocol" { return "only RedisProtocol may use CHiredis" }
        if module == "CWebFiles", target != "RelayWeb" { return "only RelayWeb may use CWebFiles" }
        if module == "CZlib", target != "RelayDeflate" { return "only RelayDeflate may use CZlib" }
        if target == "RelayTestKit" || target.hasSuffix("Tests") { return nil }
        guard let layer = byTarget[target] else { return "target \(target) has no layer in Layers.swift" }
        if importable.contains(module) {
            return layer.targets.contains(module) ? nil : "\(target) may not use \(module)"
        }
        if foundation.contains(module) {
            return layer.allowsFoundation ? nil : "\(target) may not use \(module)"
        }
        guard let modules = layer.modules, !modules.contains(module), module != "Swift" else { return nil }
        return "\(target) may not use \(module)"
    }
}

/// Each import keeps to the layers.
struct ImportRule: Rule {
    let name = "layer"

    func findings(in file: SourceFile) -> [Finding] {
        guard let target = file.target else { return [] }
        return file.lexed.enumerated().compactMap { index, line in
            guard let module = Self.importedModule(line.tokens) else { return nil }
            return Layers.objection(target: target, module: module).map { file.finding(index + 1, name, $0) }
        }
    }

    private static let beforeImport: Set<String> = [
        "public", "package", "internal", "fileprivate", "private", "@", "testable", "preconcurrency", "_exported",
        "_spi", "(", ")",
    ]
    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]

    static func importedModule(_ tokens: [Token]) -> String? {
        guard let at = tokens.firstIndex(where: { $0.text == "import" }),
            tokens[..<at].allSatisfy({ beforeImport.contains($0.text) || tokens[0].text == "@" })
        else { return nil }
        return tokens[(at + 1)...].first { $0.isWord && !kinds.contains($0.text) }?.text
    }
}

/// The dependency lists of Package.swift keep to the same layers: an arrow that is declared will be used.
struct ManifestRule: Rule {
    let name = "manifest layer"

    func findings(in file: SourceFile) -> [Finding] {
        guard file.path == "Package.swift" else { return [] }
        let declarations = Self.declarations(in: file.lines.joined(separator: "\n"))
        var findings: [Finding] = []
        for target in Layers.byTarget.keys.sorted() where declarations[target] == nil {
            findings.append(file.finding(0, name, "no library(…) or program(…) declares \(target)"))
        }
        for (target, modules) in declarations.sorted(by: { $0.key < $1.key }) {
            for module in modules {
                guard let objection = Layers.objection(target: target, module: module) else { continue }
                findings.append(file.finding(0, name, objection))
            }
        }
        return findings
    }

    /// What each `library("Name", [ … ])` and `program("Name", [ … ])` leans on: our targets by their quoted names,
    /// products of others by the constants that stand for them.
    static func declarations(in manifest: String) -> [String: [String]] {
        var products: [String: String] = [:]
        for match in manifest.matches(of: /let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/) {
            products[String(match.1)] = String(match.2)
        }
        var declarations: [String: [String]] = [:]
        for match in manifest.matches(of: /(?:library|program)\(\s*"([\w-]+)",\s*\[([^\]]*)\]/) {
            declarations[String(match.1)] = match.2.split(separator: ",").compactMap { item in
                let item = item.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
                if item.hasPrefix("\"") { return String(item.dropFirst().dropLast()) }
                // A constant that is not known counts under its own name: better a finding than a hole.
                return item.isEmpty ? nil : products[String(item)] ?? String(item)
            }
        }
        return declarations
    }
}
