internal import Histogram
public import NIOCore
internal import RelayWire

extension BenchReport {
    /// The report as one JSON object; its fields are listed in the documentation of the command.
    public func json() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.array("urls") { array in for url in urls { array.string(url) } }
            let plan = outcome.plan
            object.integer("clients", plan.readers)
            object.integer("rooms", plan.rooms)
            object.bool("deflate", plan.offersDeflate)
            object.string("via", plan.route.rawValue)
            object.integer("posters", plan.posters)
            object.integer("bytes", plan.textBytes)
            switch plan.pace {
            case .rate(let rate): object.number("rate", rate, 3)
            case .window(let window): object.integer("window", window)
            case .none: object.integer("rate", 0)
            }
            object.number("duration_s", Double(plan.span) / 1e9, 3)
            Self.write(outcome, to: &object)
            if let floor {
                object.object("floor") { object in
                    object.string("mode", floor.kind.rawValue)
                    Self.write(floor.outcome, to: &object)
                }
            }
            object.number("cpu_over_floor", processorRatio, 4)
            object.number("rate_over_floor", rateRatio, 4)
            object.number("p50_over_floor", medianRatio, 4)
            object.number("posts_over_floor", postsRatio, 4)
            object.number("redis_cpu_per_post_over_floor", redisPerPostRatio, 4)
            object.array("warnings") { array in for warning in warnings { array.string(warning) } }
        }
        return buffer
    }

    private static func write(_ run: BenchOutcome, to object: inout JSONObjectWriter) {
        object.number("connect_s", run.connectSeconds, 4)
        object.number("seconds", run.seconds, 4)
        object.integer("posts", run.posts)
        object.number("posts_per_s", run.postsPerSecond, 1)
        object.integer("refused", run.refused)
        object.integer("unanswered", run.unanswered)
        object.integer("not_made", run.notMade)
        object.object("refusals") { object in
            for (code, count) in run.refusals.sorted(by: { $0.key < $1.key }) { object.integer(code, count) }
        }
        object.integer("expected", run.expected)
        object.integer("deliveries", run.deliveries)
        object.number("deliveries_per_s", run.deliveriesPerSecond, 1)
        object.number("wire_bytes_per_delivery", run.wireBytesPerDelivery, 2)
        object.integer("lost", run.lost)
        object.integer("repeated", run.repeated)
        object.integer("out_of_order", run.outOfOrder)
        object.integer("foreign", run.foreign)
        object.integer("lagged", run.lagged)
        object.integer("drops", run.drops)
        object.integer("returns", run.returns)
        object.integer("unrecovered", run.unrecovered)
        object.array("storms") { array in
            for storm in run.storms {
                array.object { object in
                    object.integer("clients", storm.readers)
                    object.number("seconds", storm.seconds, 4)
                }
            }
        }
        object.object("latency_us") { object in
            for (name, value) in percentiles {
                object.number(name, Double(run.latencies.valueAtPercentile(value)) / 1000, 1)
            }
            object.number("max", run.latencies.totalCount > 0 ? Double(run.latencies.maxRecorded) / 1000 : 0, 1)
        }
        object.number("cpu_us_per_delivery", run.microsecondsPerDelivery(ofRedis: false), 4)
        object.number("redis_cpu_us_per_delivery", run.microsecondsPerDelivery(ofRedis: true), 4)
        object.number("redis_cpu_us_per_post", run.redisMicrosecondsPerPost, 4)
        object.array("processes") { array in
            for cost in run.costs { array.object { write(cost, in: run, to: &$0) } }
        }
        object.object("generator") { object in
            object.number("cpu_us_per_delivery", run.ownMicrosecondsPerDelivery, 4)
            object.number("share", run.ownShare, 4)
            object.text("processors", run.ownProcessors)
            let isLate = run.lateness.totalCount > 0
            object.number("late_p99_us", isLate ? Double(run.lateness.valueAtPercentile(99)) / 1000 : 0, 1)
        }
    }

    private static func write(_ cost: BenchOutcome.Cost, in run: BenchOutcome, to object: inout JSONObjectWriter) {
        object.string("name", cost.process.name)
        object.integer("pid", Int64(cost.process.id))
        object.bool("redis", cost.process.isRedis)
        let seconds = cost.processor.map { Double($0) / 1e9 }
        object.number("cpu_s", seconds, 6)
        let perDelivery = seconds.map { $0 * 1e6 / Double(run.deliveries) }
        object.number("cpu_us_per_delivery", run.deliveries > 0 ? perDelivery : nil, 4)
        object.number("rss_bytes_per_connection", run.bytesPerConnection(cost), 1)
        object.number("rss_bytes", cost.ended.residentBytes.map { Double($0) }, 0)
        object.text("processors", cost.begun.processors)
    }
}

extension JSONObjectWriter {
    /// Writes a text, or `null`.
    fileprivate mutating func text(_ key: String, _ value: String?) {
        if let value { string(key, value) } else { json(key, ByteBuffer(string: "null")) }
    }

    /// Writes a number with so many digits behind the point, or `null`.
    fileprivate mutating func number(_ key: String, _ value: Double?, _ digits: Int) {
        json(key, ByteBuffer(string: value.map { Decimals.text($0, digits) } ?? "null"))
    }
}
