/// The parser that the command line names.
private let target: FuzzTarget = {
    let option = CommandLine.arguments.first { $0.hasPrefix("--target=") }
    guard let name = option?.dropFirst("--target=".count), let target = FuzzTarget(rawValue: String(name)) else {
        fatalError("--target= has to be one of \(FuzzTarget.allCases.map(\.rawValue))")
    }
    return target
}()

/// What libFuzzer calls with each input. A property that does not hold is a crash to it, and the input is kept.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer's bytes are there until this returns; they are copied.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do {
        try target.check(bytes)
    } catch {
        fatalError("\(error)")
    }
    return 0
}
