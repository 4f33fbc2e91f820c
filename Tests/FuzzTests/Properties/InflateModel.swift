import RelayDeflate

/// RFC 1951, and what RFC 7692 makes of it, once more, as slowly and plainly as it can be said: bit by bit, with codes
/// looked up in a dictionary.
struct InflateModel {
    /// The bits of some bytes, the lowest of each byte first.
    private struct Bits {
        let bytes: [UInt8]
        var offset = 0

        mutating func take(_ count: Int) throws(InflateError) -> Int {
            guard offset + count <= bytes.count * 8 else { throw .invalidData }
            defer { offset += count }
            return (0..<count).reduce(0) { value, place in
                let at = offset + place
                return value | Int(bytes[at / 8] >> UInt8(at % 8) & 1) << place
            }
        }

        mutating func skipToByte() { offset = (offset + 7) / 8 * 8 }
    }

    /// A prefix code: symbols by the length and the bits of their codes.
    private struct Code {
        private let symbols: [[Int: Int]]

        /// - Parameter mayBeShort: whether a code of one symbol, or of none, may leave bits without a meaning.
        init(lengths: [Int], mayBeShort: Bool) throws(InflateError) {
            var symbols = [[Int: Int]](repeating: [:], count: 16)
            var code = 0
            for length in 1...15 {
                code <<= 1
                for (symbol, other) in lengths.enumerated() where other == length {
                    guard code < 1 << length else { throw .invalidData }
                    symbols[length][code] = symbol
                    code += 1
                }
            }
            let isWhole = code == 1 << 15
            guard isWhole || mayBeShort && (lengths.max() ?? 0) <= 1 else { throw .invalidData }
            self.symbols = symbols
        }

        func symbol(_ bits: inout Bits) throws(InflateError) -> Int {
            var code = 0
            for length in 1...15 {
                code = code << 1 | (try bits.take(1))
                if let symbol = symbols[length][code] { return symbol }
            }
            throw .invalidData
        }
    }

    private static let lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private let payload: [UInt8]
    private let bytesMax: Int
    private var bits: Bits
    private var message: [UInt8] = []
    /// Where the last block that said it was the last has ended: nothing before it can be referred to.
    private var start = 0

    /// The message whose compressed payload that is, without the four bytes that are taken off.
    static func inflate(_ payload: [UInt8], bytesMax: Int) throws(InflateError) -> [UInt8] {
        guard !payload.isEmpty else { return [] }
        var model = InflateModel(payload, bytesMax)
        while try model.takeBlock() {}
        return model.message
    }

    private init(_ payload: [UInt8], _ bytesMax: Int) {
        self.payload = payload
        self.bytesMax = bytesMax
        bits = Bits(bytes: payload + [0, 0, 0xFF, 0xFF])
    }

    /// Whether there is another block.
    private mutating func takeBlock() throws(InflateError) -> Bool {
        let isLast = try bits.take(1) == 1
        switch try bits.take(2) {
        case 0: try takeStored()
        case 1: try takeSymbols(try Self.fixedLiterals(), try Self.fixedDistances())
        case 2:
            let (literals, distances) = try takeCodes()
            try takeSymbols(literals, distances)
        default: throw .invalidData
        }
        let bitsLeft = bits.bytes.count * 8 - bits.offset
        guard isLast else { return bitsLeft > 0 }
        // A last block that ends within the last of the bytes that were put back has not ended with the message.
        guard bitsLeft == 0 || bitsLeft >= 8 || bits.offset <= payload.count * 8 else { throw .invalidData }
        bits.skipToByte()
        start = message.count
        return ![payload.count * 8, bits.bytes.count * 8].contains(bits.offset)
    }

    private mutating func append(_ byte: UInt8) throws(InflateError) {
        message.append(byte)
        guard message.count <= bytesMax else { throw .tooLong }
    }

    private mutating func takeStored() throws(InflateError) {
        bits.skipToByte()
        let count = try bits.take(16)
        guard try bits.take(16) == count ^ 0xFFFF else { throw .invalidData }
        for _ in 0..<count { try append(UInt8(try bits.take(8))) }
    }

    private mutating func takeSymbols(_ literals: Code, _ distances: Code) throws(InflateError) {
        while true {
            let symbol = try literals.symbol(&bits)
            switch symbol {
            case ..<256: try append(UInt8(symbol))
            case 256: return
            case 257...285: try takeReference(try length(symbol), distances)
            default: throw .invalidData
            }
        }
    }

    private mutating func takeReference(_ length: Int, _ distances: Code) throws(InflateError) {
        let symbol = try distances.symbol(&bits)
        guard symbol < 30 else { throw .invalidData }
        let extra = max(0, symbol / 2 - 1)
        let base = symbol < 4 ? symbol : (2 + symbol % 2) << extra
        let distance = 1 + base + (try bits.take(extra))
        guard distance <= message.count - start else { throw .invalidData }
        for _ in 0..<length { try append(message[message.count - distance]) }
    }

    private mutating func length(_ symbol: Int) throws(InflateError) -> Int {
        if symbol == 285 { return 258 }
        let number = symbol - 257
        let extra = max(0, number / 4 - 1)
        let base = number < 8 ? number : (4 + number % 4) << extra
        return 3 + base + (try bits.take(extra))
    }

    private static func fixedLiterals() throws(InflateError) -> Code {
        let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
        return try Code(lengths: lengths, mayBeShort: false)
    }

    private static func fixedDistances() throws(InflateError) -> Code {
        try Code(lengths: [Int](repeating: 5, count: 32), mayBeShort: false)
    }

    private mutating func takeCodes() throws(InflateError) -> (literals: Code, distances: Code) {
        let literals = 257 + (try bits.take(5))
        let distances = 1 + (try bits.take(5))
        let count = 4 + (try bits.take(4))
        guard literals <= 286, distances <= 30 else { throw .invalidData }
        var lengths = [Int](repeating: 0, count: 19)
        for place in Self.lengthOrder.prefix(count) { lengths[place] = try bits.take(3) }
        let code = try Code(lengths: lengths, mayBeShort: false)
        lengths = []
        while lengths.count < literals + distances {
            let symbol = try code.symbol(&bits)
            switch symbol {
            case 16:
                guard let last = lengths.last else { throw .invalidData }
                lengths += [Int](repeating: last, count: 3 + (try bits.take(2)))
            case 17: lengths += [Int](repeating: 0, count: 3 + (try bits.take(3)))
            case 18: lengths += [Int](repeating: 0, count: 11 + (try bits.take(7)))
            default: lengths.append(symbol)
            }
        }
        guard lengths.count == literals + distances, lengths[256] > 0 else { throw .invalidData }
        return (
            try Code(lengths: Array(lengths[..<literals]), mayBeShort: true),
            try Code(lengths: Array(lengths[literals...]), mayBeShort: true)
        )
    }
}
