package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.AdminGrpc;
import dev.replicator.queue.wire.AdminReply;
import dev.replicator.queue.wire.AdminRequest;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/** Answers {@code replicator admin}: each command's result is the JSON document that {@code --output json} prints. */
final class AdminService extends AdminGrpc.AdminImplBase {
    /** A connected slave usually has done a command by then; the command is kept either way. */
    private static final Duration COMMAND_WAIT = Duration.ofSeconds(5);

    private final Parts parts;

    /**
     * What the commands work on.
     *
     * @param status documents
     * @param slaveStatus one slave's view
     * @param slaves registry
     * @param commands to slaves
     * @param dumps catalogue
     * @param requirements requests
     * @param follower long commands
     * @param workers threads for them
     * @param reload re-reads slaves.d
     */
    record Parts(
            StatusReport status,
            SlaveStatus slaveStatus,
            Slaves slaves,
            SlaveCommands commands,
            DumpCatalog dumps,
            DumpRequirements requirements,
            AdminFollower follower,
            Workers workers,
            Reload reload) {}

    /** Re-reads the slave files. */
    interface Reload {
        void run() throws IOException;
    }

    AdminService(Parts parts) {
        this.parts = parts;
    }

    @Override
    public void run(AdminRequest request, StreamObserver<AdminReply> answer) {
        Calls.unary(answer, () -> {
            Servers.require(Peer.Role.ADMIN);
            answer.onNext(reply(request));
            answer.onCompleted();
        });
    }

    @Override
    public void follow(AdminRequest request, StreamObserver<AdminReply> answer) {
        ReadyGate<AdminReply> gate = new ReadyGate<>((ServerCallStreamObserver<AdminReply>) answer);
        try {
            Servers.require(Peer.Role.ADMIN);
            parts.workers().run("admin-follow", () -> followed(request, gate));
        } catch (RuntimeException e) {
            gate.fail(Calls.status(e));
        }
    }

    private void followed(AdminRequest request, ReadyGate<AdminReply> gate) {
        try {
            if (request.getCommand().equals("wait")) {
                Slave slave = slave(request);
                parts.follower().awaitSlave(slave, timeout(request), gate);
            } else {
                List<DumpEntry> entries = requestDumps(request);
                parts.follower().awaitDumps(entries, optional(request, "slave"), timeout(request), gate);
            }
        } catch (ReplicatorException e) {
            last(gate, AdminReply.newBuilder().setExitCode(e.code().exitCode()).setError(text(e)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            last(gate, AdminReply.newBuilder().setExitCode(1).setError("the forwarder is stopping"));
        } catch (IOException | RuntimeException e) {
            last(gate, AdminReply.newBuilder().setExitCode(1).setError("the forwarder could not do it: " + e));
        }
    }

    private static void last(ReadyGate<AdminReply> gate, AdminReply.Builder reply) {
        try {
            gate.send(reply.setLast(true).build());
        } catch (ReadyGate.EndedException e) {
            return;
        }
        gate.complete();
    }

    private AdminReply reply(AdminRequest request) throws IOException, InterruptedException {
        try {
            return AdminReply.newBuilder()
                    .setJson(document(request).toString())
                    .setLast(true)
                    .build();
        } catch (ReplicatorException e) {
            return AdminReply.newBuilder()
                    .setExitCode(e.code().exitCode())
                    .setError(text(e))
                    .setLast(true)
                    .build();
        }
    }

    private static String text(ReplicatorException e) {
        return e.hint().isEmpty() ? e.getMessage() : e.getMessage() + "\n  " + e.hint();
    }

    private JsonNode document(AdminRequest request) throws IOException, InterruptedException {
        return switch (request.getCommand()) {
            case "status" -> parts.status().status();
            case "tables" -> parts.status().tables();
            case "dump list" -> Json.object().set("dumps", parts.status().dumpList());
            case "dump request" -> dumpIds(requestDumps(request));
            case "dump drop" -> dropDump(required(request, "id"));
            case "dump cancel" -> cancelDump(required(request, "id"));
            case "slave list" -> Json.object().set("slaves", parts.status().slaveList());
            case "slave show" -> parts.status().slave(slave(request));
            case "slave conflicts" -> parts.status().conflicts(slave(request));
            case "slave forget" -> forget(slave(request));
            case "slave pause", "slave resume", "slave skip", "slave resync" -> command(request);
            case "reload" -> reload();
            default -> throw new ReplicatorException(
                    ErrorCode.USAGE,
                    "this forwarder does not know the command '" + request.getCommand() + "'",
                    "Use the replicator command of the forwarder's release.");
        };
    }

    private JsonNode reload() throws IOException {
        parts.reload().run();
        ObjectNode node = Json.object();
        ArrayNode array = node.putArray("slaves");
        parts.slaves().files().keySet().stream().sorted().forEach(array::add);
        return node;
    }

    private List<DumpEntry> requestDumps(AdminRequest request) throws IOException {
        Optional<String> slaveName = optional(request, "slave");
        Slave slave = slaveName.isPresent() ? slave(request) : null;
        List<TableName> tables = new ArrayList<>();
        if (request.getOptionsOrDefault("full", "false").equals("true")) {
            tables.addAll(
                    slave == null
                            ? parts.slaveStatus().replicated()
                            : parts.slaveStatus().granted(slave.name()));
            tables.removeIf(table -> parts.requirements().obstacle(table) != null);
        } else {
            request.getTablesList().forEach(table -> tables.add(TableName.parse(table)));
        }
        if (tables.isEmpty()) {
            throw new ReplicatorException(
                    ErrorCode.USAGE, "requesting a dump: there is no table to dump", "Name one with --table.");
        }
        for (TableName table : tables) {
            checkDumpable(table, slave);
        }
        List<DumpEntry> entries = parts.requirements().request(tables, slave == null ? null : slave.name());
        if (slave != null) {
            SlaveCommand.Builder restore = SlaveCommand.newBuilder().setAction("restore");
            tables.forEach(table -> restore.addTables(table.toString()));
            entries.forEach(entry -> restore.addDumpIds(entry.id));
            parts.commands().submit(slave.name(), restore);
        }
        return entries;
    }

    private void checkDumpable(TableName table, Slave slave) {
        String obstacle = parts.requirements().obstacle(table);
        if (obstacle != null) {
            throw Calls.notFound("requesting a dump of " + table + ": " + obstacle, "See 'replicator admin tables'.");
        }
        if (slave == null) {
            return;
        }
        TableSelection granted = parts.slaves()
                .file(slave.name())
                .map(SlaveFile::tables)
                .orElse(new TableSelection(List.of(), List.of()));
        if (!granted.contains(table)) {
            throw new ReplicatorException(
                    ErrorCode.REFUSED,
                    "requesting a dump of " + table + " for slave " + slave.name()
                            + ": the slave's file does not grant it this table",
                    "Add it to the slave's file and run 'replicator admin reload'.");
        }
    }

    private ObjectNode dumpIds(List<DumpEntry> entries) {
        ObjectNode node = Json.object();
        ArrayNode ids = node.putArray("ids");
        ArrayNode list = node.putArray("dumps");
        for (DumpEntry entry : entries) {
            ids.add(entry.id);
            list.add(parts.status().dump(entry));
        }
        return node;
    }

    private JsonNode dropDump(String id) throws IOException {
        if (!parts.dumps().drop(id)) {
            throw Calls.notFound("dropping dump " + id + ": there is none of this id", "See 'dump list'.");
        }
        return Json.object().put("id", id).put("state", "dropped");
    }

    private JsonNode cancelDump(String id) throws IOException {
        if (!parts.dumps().cancel(id)) {
            throw Calls.notFound(
                    "cancelling dump " + id + ": it is not requested or running", "See 'dump list'; use 'dump drop'.");
        }
        return Json.object().put("id", id).put("state", "cancelled");
    }

    private JsonNode forget(Slave slave) throws IOException {
        if (slave.isConnected()) {
            throw new ReplicatorException(
                    ErrorCode.FAILED,
                    "forgetting slave " + slave.name() + ": it is connected",
                    "Stop its daemon first.");
        }
        parts.slaves().forget(slave.name());
        for (DumpEntry entry : parts.dumps().wantedBy(slave.name())) {
            parts.dumps().release(entry.id, slave.name());
        }
        return Json.object().put("slave", slave.name()).put("state", "forgotten");
    }

    private JsonNode command(AdminRequest request) throws IOException, InterruptedException {
        Slave slave = slave(request);
        String action = request.getCommand().substring("slave ".length());
        SlaveCommand.Builder command =
                SlaveCommand.newBuilder().setAction(action).addAllTables(request.getTablesList());
        if (action.equals("skip")) {
            command.setSeq(Long.parseLong(required(request, "seq")));
        }
        boolean whole = request.getTablesCount() == 0;
        if (action.equals("pause")) {
            parts.slaves().pause(slave, true);
        } else if (action.equals("resume") && whole) {
            parts.slaves().pause(slave, false);
        }
        SlaveCommands.Pending pending = parts.commands().submit(slave.name(), command);
        ObjectNode node =
                Json.object().put("slave", slave.name()).put("action", action).put("command", pending.id());
        if (!slave.isConnected()) {
            return node.put("state", "queued").put("reason", "the slave is not connected");
        }
        try {
            Optional<String> failure = parts.commands().await(pending, COMMAND_WAIT);
            if (failure.isPresent()) {
                throw new ReplicatorException(
                        ErrorCode.FAILED, action + " of slave " + slave.name() + ": " + failure.get(), "");
            }
            return node.put("state", "done");
        } catch (TimeoutException e) {
            return node.put("state", "queued").put("reason", "the slave has not done it yet");
        }
    }

    private Slave slave(AdminRequest request) {
        String name = required(request, "slave");
        return parts.slaves()
                .find(name)
                .orElseThrow(() -> Calls.notFound(
                        "there is no slave '" + name + "'",
                        "Known are: "
                                + String.join(
                                        ", ",
                                        parts.slaves().files().keySet().stream()
                                                .sorted()
                                                .toList())));
    }

    private static Duration timeout(AdminRequest request) {
        return Duration.ofMillis(Long.parseLong(request.getOptionsOrDefault("timeoutMillis", "30000")));
    }

    private static String required(AdminRequest request, String option) {
        return optional(request, option)
                .orElseThrow(() -> new ReplicatorException(
                        ErrorCode.USAGE, "the command '" + request.getCommand() + "' needs --" + option, ""));
    }

    private static Optional<String> optional(AdminRequest request, String option) {
        return Optional.ofNullable(request.getOptionsMap().get(option));
    }
}
