internal import CHiredis
internal import NIOCore

/// Builds `RESPValue`s straight from the callbacks of the hiredis reader, without its own reply tree.
///
/// hiredis reports elements in the order in which they are written, so a stack of open arrays is all that is needed.
/// It takes any pointer that is not null for "made"; ours is that of the builder, and there is nothing to free.
///
/// What it knows is one struct: whoever is called back accesses it once, where each member of a class is an access of
/// its own that the runtime checks for exclusivity.
final class RESPBuilder {
    private var tree: RESPTree

    init(elementsMax: Int) {
        tree = RESPTree(elementsMax: elementsMax)
    }

    /// Whether an array was refused because the reply has too many elements.
    var refusedElements: Bool { tree.refusedElements }

    /// Whether an array that begins now becomes a tape.
    var isTaping: Bool {
        get { tree.isTaping }
        set { tree.isTaping = newValue }
    }

    /// The value that is complete, once.
    func take() -> RESPValue? { tree.finished.take() }

    fileprivate func add(_ element: RESPValue) { tree.add(element) }

    fileprivate func openArray(count: Int) -> Bool { tree.openArray(count: count) }

    fileprivate func addString(_ bytes: UnsafeRawBufferPointer, type: Int32, index: Int32) {
        // The bytes are hiredis's until the callback returns; they are copied here.
        if tree.isOnTape, type == REDIS_REPLY_STRING { return unsafe tree.tape(bytes) }
        switch type {
        case REDIS_REPLY_STATUS: tree.add(.simpleString(unsafe String(decoding: bytes, as: UTF8.self)))
        case REDIS_REPLY_ERROR: tree.add(.error(RESPError(line: unsafe String(decoding: bytes, as: UTF8.self))))
        default: unsafe tree.addBulk(bytes, index: index)
        }
    }
}

/// The arrays of a reply that are not whole yet, and the reply once it is.
private struct RESPTree {
    private struct OpenArray {
        var missing: Int
        var values: [RESPValue]
    }

    private let elementsMax: Int
    private var open: [OpenArray] = []
    var finished: RESPValue?
    private var elements = 0
    // The first two short elements of the reply before: `message` and a channel's name come again and again.
    private var recent: (ByteBuffer, ByteBuffer) = (ByteBuffer(), ByteBuffer())
    private(set) var refusedElements = false
    var isTaping = false
    private var tape = RESPTape()
    private(set) var isOnTape = false

    init(elementsMax: Int) {
        self.elementsMax = elementsMax
    }

    mutating func tape(_ bytes: UnsafeRawBufferPointer) {
        // Copied.
        unsafe tape.addString(bytes)
        endTape()
    }

    private mutating func endTape() {
        guard tape.isWhole else { return }
        let whole = tape
        (tape, isOnTape) = (RESPTape(), false)
        add(.tape(whole))
    }

    mutating func add(_ element: RESPValue) {
        if isOnTape {
            switch element {
            case .integer(let number): tape.addString(String(number))
            case .simpleString(let text): tape.addString(text)
            default: tape.addNull()
            }
            return endTape()
        }
        var value = element
        while let top = open.indices.last {
            open[top].values.append(value)
            open[top].missing -= 1
            guard open[top].missing == 0 else { return }
            value = .array(open.removeLast().values)
        }
        finished = value
        elements = 0
    }

    mutating func openArray(count: Int) -> Bool {
        elements += count
        guard elements <= elementsMax else {
            refusedElements = true
            return false
        }
        if isOnTape || isTaping && open.isEmpty {
            isOnTape = true
            tape.openArray(count: count)
            endTape()
            return true
        }
        guard count > 0 else {
            add(.array([]))
            return true
        }
        var values: [RESPValue] = []
        // What a header promises is not yet there: no more than a little is allocated on its word.
        values.reserveCapacity(min(count, 1024))
        open.append(OpenArray(missing: count, values: values))
        return true
    }

    mutating func addBulk(_ bytes: UnsafeRawBufferPointer, index: Int32) {
        // Copied or compared, never kept.
        unsafe add(.bulk(bulk(bytes, index: index)))
    }

    private mutating func bulk(_ bytes: UnsafeRawBufferPointer, index: Int32) -> ByteBuffer {
        // Copied or compared, never kept.
        guard open.count == 1, index < 2, bytes.count <= 128 else { return unsafe Self.copy(bytes) }
        let known = index == 0 ? recent.0 : recent.1
        if known.readableBytes == bytes.count,
            unsafe known.withUnsafeReadableBytes({ unsafe $0.elementsEqual(bytes) })
        {
            return known
        }
        // Copied.
        let made = unsafe Self.copy(bytes)
        if index == 0 { recent.0 = made } else { recent.1 = made }
        return made
    }

    private static func copy(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        // No bytes need no storage: a reply that says nothing went wrong has such a string.
        guard bytes.count > 0 else { return ByteBuffer() }
        // Copied.
        return unsafe ByteBuffer(bytes: bytes)
    }
}

extension RESPBuilder {
    /// What hiredis calls. Each finds its builder through the private data of the reader.
    static var callbacks: redisReplyObjectFunctions {
        // hiredis passes its own task, valid for the call; `privdata` is the builder that `RESPReader` keeps alive.
        unsafe redisReplyObjectFunctions(
            createString: { task, text, length in
                guard let task = unsafe task, let made = unsafe task.pointee.privdata else { return nil }
                unsafe RESPBuilder.builder(made).addString(
                    UnsafeRawBufferPointer(start: text, count: length), type: task.pointee.type,
                    index: task.pointee.idx)
                return unsafe made
            },
            createArray: { task, count in
                guard let made = unsafe task?.pointee.privdata else { return nil }
                return unsafe RESPBuilder.builder(made).openArray(count: Int(count)) ? made : nil
            },
            createInteger: { task, number in
                guard let made = unsafe task?.pointee.privdata else { return nil }
                unsafe RESPBuilder.builder(made).add(.integer(Int(number)))
                return unsafe made
            },
            createNil: { task in
                guard let made = unsafe task?.pointee.privdata else { return nil }
                unsafe RESPBuilder.builder(made).add(.null)
                return unsafe made
            },
            freeObject: { _ in })
    }

    private static func builder(_ pointer: UnsafeMutableRawPointer) -> RESPBuilder {
        // The pointer was made of the builder by `RESPReader`, which owns both.
        unsafe Unmanaged<RESPBuilder>.fromOpaque(pointer).takeUnretainedValue()
    }
}
