/// Where the strings of one stream entry stand among the bytes of a page.
public struct PlainEntry {
    /// A string; one that is not there has no offset.
    struct Place {
        var offset = -1
        var count = 0

        var isThere: Bool { offset >= 0 }
        var range: Range<Int> { offset..<(offset + count) }
    }

    let id: Place
    var seq = Place()
    var type = Place()
    var user = Place()
    var name = Place()
    var text = Place()
    var nonce = Place()
    var to = Place()
    var target = Place()
    var replyTo = Place()

    /// An entry with this id and no fields.
    public init(id: Range<Int>) {
        self.id = Place(offset: id.lowerBound, count: id.count)
    }

    /// Adds a field. False where its name is none that relays write, or was there before.
    public mutating func add(name: Range<Int>, value: Range<Int>, in bytes: RawSpan) -> Bool {
        switch ShortWord(bytes, name) {
        case Self.seqName: Self.set(&seq, value)
        case Self.typeName: Self.set(&type, value)
        case Self.userName: Self.set(&user, value)
        case Self.nameName: Self.set(&self.name, value)
        case Self.textName: Self.set(&text, value)
        case Self.nonceName: Self.set(&nonce, value)
        case Self.toName: Self.set(&to, value)
        case Self.targetName: Self.set(&target, value)
        case Self.replyToName: Self.set(&replyTo, value)
        default: false
        }
    }

    private static func set(_ place: inout Place, _ value: Range<Int>) -> Bool {
        guard !place.isThere else { return false }
        place = Place(offset: value.lowerBound, count: value.count)
        return true
    }

    private static let seqName = ShortWord(.seq)
    private static let typeName = ShortWord(.type)
    private static let userName = ShortWord(.user)
    private static let nameName = ShortWord(.name)
    private static let textName = ShortWord(.text)
    private static let nonceName = ShortWord(.nonce)
    private static let toName = ShortWord(.to)
    private static let targetName = ShortWord(.target)
    private static let replyToName = ShortWord(.replyTo)
}

/// One to eight bytes as a number, to be compared at once.
struct ShortWord: Equatable {
    private let raw: UInt64
    // A NUL in front makes no other number.
    private let count: Int

    /// No word where the bytes are none, or too many.
    init?(_ bytes: RawSpan, _ range: Range<Int>) {
        guard (1...8).contains(range.count) else { return nil }
        var raw: UInt64 = 0
        for offset in range { raw = raw << 8 | UInt64(bytes.byte(at: offset)) }
        self.raw = raw
        count = range.count
    }

    init(_ text: String) {
        raw = text.utf8.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        count = text.utf8.count
    }

    init(_ name: StreamFields.Name) { self.init(name.rawValue) }
}
