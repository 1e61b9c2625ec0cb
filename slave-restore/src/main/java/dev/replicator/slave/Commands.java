package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.slave.restore.Copies;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.Settings;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.TableState;
import dev.replicator.slave.state.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Executes operators' commands, each in one transaction with its id, so that it is done once however often it comes, and is
 * acknowledged only when it is durable (rule R23).
 */
final class Commands {
    private final LaneRows lanes;

    Commands(LaneRows lanes) {
        this.lanes = lanes;
    }

    /** Why a command cannot be done; it is not tried again. */
    private static final class Impossible extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Impossible(String reason) {
            super(reason);
        }
    }

    /**
     * Executes a command unless it was executed before.
     *
     * @return true when something changed
     */
    boolean execute(Connection connection, SlaveCommand command) throws SQLException {
        try {
            return Transactions.run(connection, session -> {
                if (!Journal.begin(session, command.getId(), command.getAction())) {
                    return false;
                }
                // The main lane first: nothing below changes while it is held.
                lanes.bump(session, LanePosition.MAIN);
                run(session, command, StateReader.read(session));
                LaneRows.dropEmpty(session);
                return true;
            });
        } catch (Impossible e) {
            return Transactions.run(connection, session -> {
                Journal.failed(session, command.getId(), command.getAction(), e.getMessage());
                return true;
            });
        }
    }

    private void run(Connection session, SlaveCommand command, SlaveState state) throws SQLException {
        switch (command.getAction()) {
            case "pause" -> Settings.pause(session, true);
            case "resume" -> resume(session, command, state);
            case "skip" -> skip(session, command, state);
            case "resync" -> resync(session, tables(command, state), DumpNeed.FRESH, List.of());
            case "restore" -> restore(session, command, state);
            default -> throw new Impossible("this release does not know the command " + command.getAction());
        }
    }

    private void resume(Connection session, SlaveCommand command, SlaveState state) throws SQLException {
        if (command.getTablesCount() == 0) {
            Settings.pause(session, false);
        }
        for (TableState table : tables(command, state)) {
            if (table.stage() == Stage.ERROR) {
                resume(session, state, table);
            } else if (command.getTablesCount() > 0 && !state.paused()) {
                throw new Impossible(
                        "table " + table.table() + " is " + table.stage().text() + ", there is nothing to resume");
            }
        }
    }

    private void resume(Connection session, SlaveState state, TableState table) throws SQLException {
        String lane = state.restore(table.table()).map(Restore::lane).orElse(null);
        lane = lane == null ? table.lane() : lane;
        if (lane == null) {
            // Nothing continues it: it begins again with a dump.
            TableRows.awaitDump(session, table.table(), null);
            return;
        }
        Stage stage = table.isLive() && state.restore(table.table()).isEmpty() ? Stage.IN_SYNC : Stage.CATCHING_UP;
        TableRows.fail(session, table.table(), null, null, 0);
        TableRows.stage(session, table.table(), stage, null);
        lanes.unpark(session, lane);
    }

    private void skip(Connection session, SlaveCommand command, SlaveState state) throws SQLException {
        List<TableState> failed = tables(command, state).stream()
                .filter(table -> table.stage() == Stage.ERROR && table.conflictSeq() == command.getSeq())
                .toList();
        if (failed.isEmpty()) {
            throw new Impossible("no table" + (command.getTablesCount() == 0 ? "" : " of " + command.getTablesList())
                    + " stands at a conflict in seq " + command.getSeq());
        }
        for (TableState table : failed) {
            resume(session, state, table);
            TableRows.orderSkip(session, table.table(), command.getSeq());
        }
    }

    /** One dump id for each table; a table that has not joined the slave's set yet begins with a dump anyway. */
    private void restore(Connection session, SlaveCommand command, SlaveState state) throws SQLException {
        List<TableState> tables = new ArrayList<>();
        List<String> dumpIds = new ArrayList<>();
        for (int i = 0; i < command.getTablesCount(); i++) {
            TableState table = state.tables().get(TableName.parse(command.getTables(i)));
            if (table != null && i < command.getDumpIdsCount()) {
                tables.add(table);
                dumpIds.add(command.getDumpIds(i));
            }
        }
        if (tables.isEmpty()) {
            throw new Impossible("this slave carries none of the tables " + command.getTablesList());
        }
        resync(session, tables, DumpNeed.ANY, dumpIds);
    }

    /** A running restore is given up for the new one; the tables stay in service as they are. */
    private void resync(Connection session, List<TableState> tables, DumpNeed need, List<String> dumpIds)
            throws SQLException {
        SlaveState state = StateReader.read(session);
        for (int i = 0; i < tables.size(); i++) {
            TableState table = tables.get(i);
            if (state.restore(table.table()).isPresent()) {
                Restore restore = state.restore(table.table()).get();
                if (restore.lane() != null) {
                    lanes.bump(session, restore.lane());
                }
                Copies.drop(session, restore);
                RestoreRows.end(session, table.table());
            }
            String wanted = dumpIds.isEmpty() ? null : dumpIds.get(i);
            TableRows.request(session, table.table(), need, wanted);
            if (table.isLive() && table.conflictSeq() == 0) {
                TableRows.stage(session, table.table(), Stage.RESTORING, "waiting for its dump");
            } else if (table.isLive()) {
                // Held by a conflict under stop-slave: the table leaves the lane, which may go on without it.
                TableRows.awaitDump(session, table.table(), "waiting for its dump");
                TableRows.request(session, table.table(), need, wanted);
            } else if (table.stage() != Stage.ERROR) {
                TableRows.stage(session, table.table(), Stage.WAITING_FOR_DUMP, null);
            }
        }
    }

    private static List<TableState> tables(SlaveCommand command, SlaveState state) {
        if (command.getTablesCount() == 0) {
            return state.tables().values().stream()
                    .sorted(Comparator.comparing(TableState::table))
                    .toList();
        }
        List<TableState> tables = new ArrayList<>();
        for (String name : command.getTablesList()) {
            TableState table = state.tables().get(TableName.parse(name));
            if (table == null) {
                throw new Impossible("this slave does not carry table " + name);
            }
            tables.add(table);
        }
        return tables;
    }
}
