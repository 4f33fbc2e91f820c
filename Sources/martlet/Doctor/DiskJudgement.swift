import Foundation
import RelayCore

/// Whether the archive's disk has room.
enum DiskJudgement {
    /// Looks at a directory.
    static func finding(directory: String, bytesMin: Int) -> HopFinding {
        let name = PlainText.cleaned(directory)
        var isFolder: ObjCBool = false
        // The flag is a variable of ours.
        guard unsafe FileManager.default.fileExists(atPath: directory, isDirectory: &isFolder), isFolder.boolValue
        else {
            return HopFinding(
                .disk, .wrong, "\(name) is not there, or is no directory",
                remedy: "is the volume mounted? The archiver waits for it and loses nothing, but Redis fills meanwhile")
        }
        guard let system = try? FileManager.default.attributesOfFileSystem(forPath: directory),
            let free = (system[.systemFreeSize] as? NSNumber)?.intValue,
            let size = (system[.systemSize] as? NSNumber)?.intValue
        else { return HopFinding(.disk, .wrong, "\(name): its file system says nothing of itself") }
        let nodes = (system[.systemFreeNodes] as? NSNumber)?.intValue ?? 0
        let allNodes = (system[.systemNodes] as? NSNumber)?.intValue ?? 0
        return finding(name: name, free: free, size: size, freeNodes: nodes, nodes: allNodes, bytesMin: bytesMin)
    }

    static func finding(
        name: String, free: Int, size: Int, freeNodes: Int, nodes: Int, bytesMin: Int
    ) -> HopFinding {
        let room = "\(RedisJudgement.text(bytes: free)) of \(RedisJudgement.text(bytes: size)) free"
        if free < bytesMin {
            return HopFinding(
                .disk, .wrong, "\(name): \(room), less than \(RedisJudgement.text(bytes: bytesMin))",
                remedy:
                    "make room: `martlet archive prune` removes days that nobody needs any more, as long as some KB "
                    + "are free to write down which")
        }
        // A file system without inodes of its own (btrfs) says none of none.
        if nodes > 0, freeNodes < nodes / 50 {
            return HopFinding(
                .disk, .wrong, "\(name): \(freeNodes) of \(nodes) inodes are free; each room and day needs one",
                remedy: "`martlet archive prune` removes days; a file system with more inodes has more")
        }
        return HopFinding(.disk, .well, "\(name): \(room)")
    }
}
