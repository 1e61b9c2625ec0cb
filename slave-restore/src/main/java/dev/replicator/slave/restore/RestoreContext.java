package dev.replicator.slave.restore;

import dev.replicator.dumps.DumpStore;
import dev.replicator.queue.TableName;
import dev.replicator.slave.state.Sessions;
import io.grpc.Channel;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.ExecutorService;

/**
 * What restores share.
 *
 * @param slave this slave's name
 * @param channel to the forwarder
 * @param store dumps in the work directory
 * @param sessions opens sessions on the target
 * @param loaders threads that load chunks: as many as {@code restore.parallel}
 * @param builders threads that build indexes and keys, as many: each build may take memory and workers of the server
 */
public record RestoreContext(
        String slave,
        Channel channel,
        DumpStore store,
        Sessions sessions,
        ExecutorService loaders,
        ExecutorService builders) {

    /** A session that works for a table's restore. */
    Connection open(TableName table) throws SQLException {
        return sessions.open("slave " + slave + " restore " + table);
    }
}
