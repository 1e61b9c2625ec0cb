package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.RequiredDump;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.TableState;
import dev.replicator.slave.state.Transactions;
import io.grpc.Channel;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Asks the forwarder which dumps to restore and notes the answer. Used by the coordinator. */
final class DumpRequests {
    private static final int CALL_SECONDS = 10;

    private final Answers forwarder;

    /** Who is asked. */
    interface Answers {
        RequireDumpsReply requireDumps(RequireDumpsRequest request);
    }

    DumpRequests(Channel channel, String slave) {
        this(request -> SlaveLinkGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                .requireDumps(request.toBuilder().setSlave(slave).build()));
    }

    DumpRequests(Answers forwarder) {
        this.forwarder = forwarder;
    }

    /** Whether there is a table to ask for: without one the pause before the next time need not begin. */
    static boolean hasAny(SlaveState state) {
        return !TableStates.requests(state).isEmpty()
                || !TableStates.askingAgain(state).isEmpty();
    }

    /**
     * Asks for all tables that need a dump.
     *
     * @return true when a restore was begun
     * @throws io.grpc.StatusRuntimeException when the forwarder cannot be asked now
     */
    boolean ask(Connection connection, SlaveState state) throws SQLException {
        boolean begun = false;
        for (TableStates.Request request : TableStates.requests(state)) {
            List<RequiredDump> answers = call(request.tables(), request.fresh(), request.dumpIds());
            begun |= Transactions.run(connection, session -> begin(session, state, request, answers));
        }
        List<TableName> again = TableStates.askingAgain(state);
        if (!again.isEmpty()) {
            List<RequiredDump> answers = call(again, false, List.of());
            begun |= Transactions.run(connection, session -> chooseAgain(session, answers));
        }
        return begun;
    }

    private List<RequiredDump> call(List<TableName> tables, boolean fresh, List<String> onlyIds) {
        RequireDumpsReply reply = forwarder.requireDumps(RequireDumpsRequest.newBuilder()
                .addAllTables(tables.stream().map(TableName::toString).toList())
                .setFresh(fresh)
                .addAllOnlyIds(onlyIds)
                .build());
        return reply.getDumpsList();
    }

    /** Tables that got a dump by one request form one group and will be caught up in one lane. */
    private boolean begin(Connection session, SlaveState state, TableStates.Request request, List<RequiredDump> answers)
            throws SQLException {
        List<RequiredDump> given =
                answers.stream().filter(answer -> !answer.getDumpId().isEmpty()).toList();
        for (RequiredDump answer : answers) {
            if (answer.getDumpId().isEmpty()) {
                refused(session, state, request, answer);
            }
        }
        if (given.isEmpty()) {
            return false;
        }
        String group = LaneRows.newName(session, "restore-");
        for (RequiredDump answer : given) {
            TableName table = TableName.parse(answer.getTable());
            if (RestoreRows.begin(session, table, group)) {
                RestoreRows.choose(session, table, answer.getDumpId());
                TableRows.restoring(session, table);
            }
        }
        Steps.reached("restore.dump-chosen");
        return true;
    }

    private static void refused(Connection session, SlaveState state, TableStates.Request request, RequiredDump answer)
            throws SQLException {
        TableState table = state.tables().get(TableName.parse(answer.getTable()));
        if (table == null) {
            return;
        }
        if (!request.dumpIds().isEmpty()) {
            // The one dump asked for will not come; a table in service goes on without it.
            boolean needsAny = table.lane() == null && table.stage() == Stage.WAITING_FOR_DUMP;
            TableRows.request(session, table.table(), needsAny ? DumpNeed.ANY : DumpNeed.NONE, null);
            if (table.isLive()) {
                TableRows.stage(session, table.table(), Stage.IN_SYNC, answer.getReason());
            }
            return;
        }
        if (table.stage() != Stage.ERROR && !Objects.equals(table.reason(), answer.getReason())) {
            TableRows.stage(session, table.table(), table.stage(), answer.getReason());
        }
    }

    private static boolean chooseAgain(Connection session, List<RequiredDump> answers) throws SQLException {
        List<TableName> impossible = new ArrayList<>();
        for (RequiredDump answer : answers) {
            TableName table = TableName.parse(answer.getTable());
            if (answer.getDumpId().isEmpty()) {
                impossible.add(table);
                // It leaves its group, which need not wait for it.
                RestoreRows.end(session, table);
                waitAlone(session, table, answer.getReason());
            } else {
                RestoreRows.choose(session, table, answer.getDumpId());
            }
        }
        return impossible.size() < answers.size();
    }

    private static void waitAlone(Connection session, TableName table, String reason) throws SQLException {
        if (TableRows.lockIfLive(session, table)) {
            TableRows.stage(session, table, Stage.IN_SYNC, reason);
            TableRows.request(session, table, DumpNeed.ANY, null);
        } else {
            TableRows.awaitDump(session, table, reason);
        }
    }
}
