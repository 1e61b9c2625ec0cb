package dev.replicator.slave.lane;

import dev.replicator.slave.postgres.ConflictPolicy;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Sessions;
import io.grpc.Channel;
import java.util.function.BooleanSupplier;

/**
 * What all lanes of a daemon share.
 *
 * @param cluster the master's name
 * @param slave this slave's name
 * @param sessions opens sessions on the target
 * @param channel to the forwarder
 * @param rows positions
 * @param board where lanes arrange hand-overs
 * @param limits how much one target transaction takes
 * @param policy what happens when a change does not fit
 * @param paused whether an operator stopped the lanes
 * @param changed called when something durable changed that others wait for
 */
public record LaneContext(
        String cluster,
        String slave,
        Sessions sessions,
        Channel channel,
        LaneRows rows,
        LaneBoard board,
        BatchLimits limits,
        ConflictPolicy policy,
        BooleanSupplier paused,
        Runnable changed) {}
