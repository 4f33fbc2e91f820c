/// One thing that is held to be true of every file.
protocol Rule: Sendable {
    var name: String { get }
    func findings(in file: SourceFile) -> [Finding]
}

/// All rules that look at one file at a time.
enum Rules {
    static let all: [any Rule] = [
        ImportRule(), ManifestRule(), FileLengthRule(), FunctionLengthRule(), LineLengthRule(), PrintRule(),
        ForceRule(), LockRule(), UnexplainedRule(), TypeNameRule(), UnfinishedRule(), MachinePathRule(), SleepRule(),
        SuppressionRule(),
    ]

    static func findings(in files: [SourceFile]) -> [Finding] {
        files.flatMap { file in all.flatMap { $0.findings(in: file) } }
    }
}
