// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Products of other packages, named once.
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

func library(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: ["RelayTestKit", nioConcurrency] + dependencies, swiftSettings: settings)
}

// `deploy/fuzz` builds the parsers' properties as a program. libFuzzer brings its `main`, so no other build links it.
let isFuzzing = Context.environment["MARTLET_FUZZING"] != nil
let fuzzed: [Target.Dependency] = [
    "RelayArchive", "RedisProtocol", "RelayDeflate", "RelayWire", "RelayCore", nioCore,
]

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet-edge", targets: ["martlet-edge"]),
        .executable(name: "martlet-archiver", targets: ["martlet-archiver"]),
        .executable(name: "martlet", targets: ["martlet"]),
        // With the vocabulary of the protocol, which its users import too.
        .library(name: "RelayClient", targets: ["RelayClient", "RelayWire", "RelayCore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // Pure: values, state machines, ports, byte formats. No IO.
        library("RelayCore", [nioCore, deque]),
        library("RelayWire", ["RelayCore", nioCore]),

        // Compression of messages: pure, over the system's zlib.
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
        library("RelayDeflate", ["CZlib", "RelayWire", nioCore]),

        // Redis, from the system library up to the adapters of the ports.
        .systemLibrary(
            name: "CHiredis", path: "Sources/CHiredis",
            providers: [.apt(["libhiredis-dev"])]),
        library("RedisProtocol", ["CHiredis", nioCore, deque]),
        library("RedisClient", ["RedisProtocol", nioCore, nioPosix, nioConcurrency, nioSSL, deque, logging]),
        library(
            "RelayRedis", ["RedisClient", "RedisProtocol", "RelayWire", "RelayCore", nioCore, deque, logging],
            resources: [
                "bury", "change", "create", "heartbeat", "markers", "post", "presence", "quota", "remove", "restore",
                "standing", "summary",
            ].map { .embedInCode("Scripts/\($0).lua") }),

        // The web client: its files, which the C compiler puts into the program as they are, and their names.
        .target(name: "CWebFiles", path: "Sources/RelayWeb/Embedded"),
        library("RelayWeb", ["CWebFiles", nioCore], exclude: ["Client", "Embedded", "Screenshots"]),

        // Sends to many sockets at once. Linked statically, so that who installs the edge needs no further library.
        .target(name: "CUring", linkerSettings: [.linkedLibrary(":liburing.a")]),

        // The two servers. Neither has heard of Redis.
        library(
            "RelayEdge",
            [
                "CUring", "RelayDeflate", "RelayWeb", "RelayWire", "RelayCore", nioCore, nioPosix, nioConcurrency,
                nioHTTP1, nioWebSocket, nioSSL, nioHTTPTypes,
                nioHTTPTypesHTTP1, httpTypes, hummingbird, hummingbirdCore, lifecycle, logging, deque,
            ]),
        library(
            "RelayArchive",
            ["RelayWire", "RelayCore", nioCore, nioPosix, nioConcurrency, deque, crypto, lifecycle, logging]),

        // Who users are, by their tokens. Its libraries are of no concern to the edge, which knows the port only.
        library("RelayAuth", ["RelayWire", "RelayCore", jwtKit, nioCore, nioConcurrency]),

        // A client as a library, and what the three programs share in reading their settings.
        library(
            "RelayClient",
            [
                "RelayWire", "RelayCore", nioCore, nioPosix, nioConcurrency, nioHTTP1, nioWebSocket, nioSSL, deque,
                logging,
            ]),
        library("RelaySettings", ["RelayCore", "RedisClient", argumentParser, logging]),

        // Programs started from programs.
        .systemLibrary(name: "CSpawn", path: "Sources/CSpawn"),
        library("RelayProcess", ["CSpawn"]),

        // What `martlet check` does to a relay, and how it judges what came of it.
        library("RelayCheck", ["RelayClient", "RelayWire", "RelayCore", nioCore, nioPosix, nioConcurrency]),

        // What `martlet bench` loads a relay with, and the floor that it is held against: bare epoll, no NIO.
        .systemLibrary(name: "CEpoll", path: "Sources/CEpoll"),
        library("RelayBench", ["CEpoll", "RelayDeflate", "RelayWire", nioCore, histogram]),

        program(
            "martlet-edge",
            [
                "RelayEdge", "RelayAuth", "RelayRedis", "RelayArchive", "RedisClient", "RelaySettings", "RelayCore",
                argumentParser, lifecycle, logging, nioCore, nioPosix, lifecycleSignals,
            ]),
        program(
            "martlet-archiver",
            [
                "RelayArchive", "RelayRedis", "RedisClient", "RelaySettings", "RelayCore", argumentParser,
                lifecycle, lifecycleSignals, logging, nioCore, nioPosix, nioHTTP1,
            ]),
        program(
            "martlet",
            [
                "RelayAuth", "RelayBench", "RelayCheck", "RelayClient", "RelayRedis", "RedisClient", "RedisProtocol",
                "RelayArchive", "RelayProcess", "RelaySettings", "RelayWire", "RelayCore",
                argumentParser, lifecycle, lifecycleSignals, logging, nioCore, nioPosix, nioConcurrency, nioSSL,
            ]),

        // Tests.
        .target(
            name: "RelayTestKit",
            dependencies: ["RelayProcess", "RelayCore", "RelayWire", nioCore, nioPosix, nioConcurrency, logging],
            path: "Tests/RelayTestKit",
            swiftSettings: settings),
        tests("RelayCoreTests", ["RelayCore", nioCore]),
        tests("RelayWireTests", ["RelayWire", "RelayCore", nioCore]),
        tests("RelayWebTests", ["RelayWeb", nioCore]),
        tests("RelayDeflateTests", ["RelayDeflate", "RelayWire", nioCore]),
        tests("RedisProtocolTests", ["RedisProtocol", nioCore]),
        tests("RedisClientTests", ["RedisClient", "RedisProtocol", nioCore, nioPosix, nioSSL, logging]),
        tests(
            "RelayRedisTests",
            ["RelayRedis", "RedisClient", "RedisProtocol", "RelayWire", "RelayCore", nioCore, nioPosix, logging]),
        tests(
            "RelayEdgeTests",
            ["RelayEdge", "RelayDeflate", "RelayWire", "RelayCore", nioCore, nioPosix, nioEmbedded, logging]),
        tests(
            "RelayArchiveTests",
            ["RelayArchive", "RelayWire", "RelayCore", nioCore, nioPosix, crypto, lifecycle, logging]),
        tests("RelayAuthTests", ["RelayAuth", "RelayWire", "RelayCore", jwtKit, nioCore]),
        tests("RelayProcessTests", ["RelayProcess"]),
        tests("RelaySettingsTests", ["RelaySettings", "RelayCore", "RedisClient", logging]),
        tests(
            "RelayClientTests",
            ["RelayClient", "RelayWire", "RelayCore", nioCore, nioPosix, nioHTTP1, nioWebSocket]),
        tests("RelayBenchTests", ["RelayBench", "RelayDeflate", "RelayProcess", "RelayWire", nioCore, histogram]),
        tests("RelayCheckTests", ["RelayCheck", "RelayWire", "RelayCore", nioCore]),
        tests("MartletTests", ["martlet", "RelayArchive", "RelaySettings", "RelayWire", "RelayCore", nioCore]),
        tests("SimulationTests", ["RelayCore", "RelayWire", nioCore]),
        tests(
            "IntegrationTests",
            [
                "RelayClient", "RedisClient", "RedisProtocol", "RelayDeflate", "RelayProcess", "RelayWire", "RelayCore",
                nioCore, nioPosix, nioHTTP1, nioSSL, logging,
            ]),
        isFuzzing
            ? .executableTarget(
                name: "martlet-fuzz", dependencies: fuzzed, path: "Tests/FuzzTests",
                exclude: ["CorpusTests.swift", "Corpus", "Dictionaries"], swiftSettings: settings)
            : .testTarget(
                name: "FuzzTests", dependencies: fuzzed, path: "Tests/FuzzTests",
                exclude: ["Entry", "Corpus", "Dictionaries"], swiftSettings: settings),
        tests("TidyTests", []),
    ]
)
