/// A UTC day: one segment of a room's archive is the file of one day.
public struct Segment: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let day: UInt64

    private static let millisecondsPerDay: UInt64 = 86_400_000

    /// The segment in which a time in ms falls.
    public init(milliseconds: UInt64) {
        day = milliseconds / Self.millisecondsPerDay
    }

    /// The segment to which an id belongs.
    public init(of id: MessageID) {
        self.init(milliseconds: id.milliseconds)
    }

    /// Parses a file name, `2026-11-21.jsonl`; nil for any other name.
    public init?(fileName: String) {
        guard fileName.hasSuffix(Self.suffix) else { return nil }
        let parts = fileName.dropLast(Self.suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = UInt64(parts[0]), let month = UInt64(parts[1]), let day = UInt64(parts[2]),
            year >= 1970, year <= Self.yearMax, (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        self.init(days: Self.days(year: year, month: month, day: day))
        guard self.fileName == fileName else { return nil }
    }

    private init(days: UInt64) {
        day = days
    }

    /// The first millisecond after the day. No id reaches the last day that 64 bits can name but one put in by hand,
    /// hence the saturation.
    public var endMilliseconds: UInt64 {
        let (end, overflowed) = (day + 1).multipliedReportingOverflow(by: Self.millisecondsPerDay)
        return overflowed ? .max : end
    }

    /// `2026-11-21`.
    public var description: String {
        let (year, month, day) = Self.civil(days: day)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    }

    /// `2026-11-21.jsonl`.
    public var fileName: String { description + Self.suffix }

    /// The earlier day is the lesser.
    public static func < (left: Segment, right: Segment) -> Bool { left.day < right.day }

    private static let suffix = ".jsonl"
    /// Above the year of the highest id that 64 bits of milliseconds can hold.
    private static let yearMax: UInt64 = 600_000_000

    /// Counts in years that begin in March, so that the leap day is the last of its year, and in eras of 400 years.
    private static func days(year: UInt64, month: UInt64, day: UInt64) -> UInt64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - daysBefore1970
    }

    private static func civil(days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = days + daysBefore1970
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// From 0000-03-01 to 1970-01-01.
    private static let daysBefore1970: UInt64 = 719_468

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
