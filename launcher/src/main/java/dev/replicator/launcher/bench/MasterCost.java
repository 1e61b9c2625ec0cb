package dev.replicator.launcher.bench;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * What replication of one database has cost its master so far.
 *
 * @param cpuSeconds of the walsenders, with capture's process if there is one; NaN for a server that is not ours
 * @param readBytes read from files by the walsenders, that is WAL; NaN for a server that is not ours
 * @param decodedBytes of the transactions that the walsenders decoded to send them (pg_stat_replication_slots)
 */
record MasterCost(double cpuSeconds, double readBytes, double decodedBytes) {

    /**
     * Looks at the walsenders that are there now. Between two looks they must stay.
     *
     * @param daemons further processes on the master's machine
     */
    static MasterCost read(BenchServer master, String database, List<Long> daemons) throws IOException, SQLException {
        List<Long> senders = new ArrayList<>();
        double decoded = 0;
        try (Connection connection = master.connect(database);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(
                        "SELECT r.active_pid, coalesce(s.total_bytes, 0) FROM pg_replication_slots r"
                                + " LEFT JOIN pg_stat_replication_slots s USING (slot_name)"
                                + " WHERE r.database = current_database() AND r.active")) {
            while (result.next()) {
                senders.add(result.getLong(1));
                decoded += result.getDouble(2);
            }
        }
        if (!master.isEmbedded()) {
            return new MasterCost(Double.NaN, Double.NaN, decoded);
        }
        double cpu = 0;
        double read = 0;
        for (long pid : senders) {
            cpu += Processes.cpuSeconds(pid);
            read += Processes.readBytes(pid);
        }
        for (long pid : daemons) {
            cpu += Processes.cpuSeconds(pid);
        }
        return new MasterCost(cpu, read, decoded);
    }

    MasterCost since(MasterCost before) {
        return new MasterCost(
                cpuSeconds - before.cpuSeconds, readBytes - before.readBytes, decodedBytes - before.decodedBytes);
    }
}
