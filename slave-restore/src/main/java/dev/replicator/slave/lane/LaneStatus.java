package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.List;

/**
 * What a lane is doing, for reports.
 *
 * @param lane its name
 * @param state connecting, catching-up, in-sync, paused, waiting, error or needs-resync
 * @param error why it does not go on, or empty
 * @param position everything up to here is applied, as far as this process knows; null before the first
 * @param durable what the forwarder may rely on: everything up to here survives a crash of the target; null before it is known
 * @param tables tables it applies
 * @param lagMicros time from commit on the master to commit here, of the newest transaction
 * @param backendPid server process of its session, 0 without one
 * @param busySinceNanos {@link System#nanoTime} when the running transaction began; 0 when none runs
 */
public record LaneStatus(
        String lane,
        String state,
        String error,
        Position position,
        Position durable,
        List<String> tables,
        long lagMicros,
        int backendPid,
        long busySinceNanos) {}
