package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.CUSTOMERS;
import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveLane;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.cli.CliErrors;
import io.grpc.stub.StreamObserver;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The admin commands as users type them, against a running forwarder. */
final class AdminTest {
    @TempDir
    private Path directory;

    private TestForwarder forwarder;
    private TestStream stream;
    private Position base;
    private TestCapture capture;
    private Control control;

    @BeforeEach
    void start() throws Exception {
        forwarder = new TestForwarder(directory)
                .slave("reporting", "[public.orders]")
                .slave("mirror", "[\"public.*\"]")
                .start();
        Files.writeString(directory.resolve("admin.token"), "token-of-admin\n");
        stream = TestStream.begin();
        base = stream.position();
        capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        capture.status(1, ORDERS, CUSTOMERS);
        capture.awaitAck(stream.position());
        control = new Control();
    }

    @AfterEach
    void stop() {
        forwarder.close();
    }

    /** The slave daemon's control stream. */
    private final class Control {
        private final List<SlaveCommand> commands = new CopyOnWriteArrayList<>();
        private final StreamObserver<SlaveReport> up;

        Control() {
            up = SlaveLinkGrpc.newStub(forwarder.channel("reporting")).control(new StreamObserver<>() {
                @Override
                public void onNext(SlaveCommand command) {
                    commands.add(command);
                }

                @Override
                public void onError(Throwable error) {
                    // The test's end.
                }

                @Override
                public void onCompleted() {
                    // The test's end.
                }
            });
        }

        void report(String tableState, String error, Position at, String... done) {
            up.onNext(SlaveReport.newBuilder()
                    .setSlave("reporting")
                    .setState(tableState)
                    .setTarget("db2:5432/shop")
                    .setLagMicros(12_000)
                    .addTables(SlaveTable.newBuilder()
                            .setTable("public.orders")
                            .setState(tableState)
                            .setError(error)
                            .setLane("main")
                            .setAppliedSeq(at.seq()))
                    .addLanes(SlaveLane.newBuilder()
                            .setLane("main")
                            .setPosition(WirePositions.toWire(at))
                            .setState("running")
                            .addTables("public.orders"))
                    .addAllDoneCommands(List.of(done))
                    .build());
        }

        SlaveCommand awaitCommand(String action) throws Exception {
            Await.until(
                    "command " + action,
                    () -> commands.stream()
                            .anyMatch(command -> command.getAction().equals(action)),
                    () -> commands);
            return commands.stream()
                    .filter(command -> command.getAction().equals(action))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private record Result(int exit, String out, String err) {
        JsonNode json() {
            return Json.read(out, "output");
        }
    }

    private Result admin(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = CliErrors.install(new CommandLine(new AdminCommand()))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err));
        List<String> all = new ArrayList<>(List.of(
                "--forwarder",
                "127.0.0.1:" + forwarder.port(),
                "--token-file",
                directory.resolve("admin.token").toString()));
        all.addAll(List.of(arguments));
        int exit = command.execute(all.toArray(String[]::new));
        return new Result(exit, out.toString(), err.toString());
    }

    private TestLane inSync() throws Exception {
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        lane.awaitTransaction(1);
        control.report("in-sync", "", stream.position());
        Await.until("in-sync", () -> slave().path("state").asText().equals("in-sync"), this::slave);
        return lane;
    }

    private JsonNode slave() {
        JsonNode slaves = admin("status", "--output", "json").json().path("slaves");
        for (JsonNode slave : slaves) {
            if (slave.path("name").asText().equals("reporting")) {
                return slave;
            }
        }
        throw new AssertionError("no slave in " + slaves);
    }

    @Test
    void shouldPrintTheStatusDocumentOfTheInterface() throws Exception {
        inSync();
        JsonNode status = admin("status", "--output", "json").json();
        assertEquals("shop", status.path("cluster").asText());
        assertEquals(1, status.path("epoch").asInt());
        assertTrue(status.path("master").path("connected").asBoolean());
        assertEquals("0/16B3748", status.path("master").path("position").asText());
        assertEquals(1, status.path("queue").path("firstSeq").asInt());
        assertEquals(1, status.path("queue").path("lastSeq").asInt());
        JsonNode slave = slave();
        assertTrue(slave.path("connected").asBoolean());
        assertEquals(1, slave.path("appliedSeq").asInt());
        assertEquals(0, slave.path("lagTransactions").asInt());
        assertEquals(0.012, slave.path("lagSeconds").asDouble());
        assertTrue(slave.path("bytesSent").asLong() > 100);
        assertTrue(slave.path("error").isNull());
        assertEquals("in-sync", slave.path("tables").path(0).path("state").asText());

        String text = admin("status").out();
        assertTrue(text.contains("reporting") && text.contains("SLAVE") && text.contains("public.orders"), text);
        assertTrue(admin("tables").out().contains("mirror, reporting"));
        assertTrue(admin("slave", "show", "reporting").out().contains("resolved  public.orders"));
        assertTrue(admin("slave", "list").out().contains("connecting"));
        assertEquals("No conflicts.\n", admin("slave", "conflicts", "reporting").out());
    }

    @Test
    void shouldWaitUntilTheMarkIsAppliedAndFailAtOnceWhenThatCannotBe() throws Exception {
        inSync();
        CompletableFuture<Result> waiting =
                CompletableFuture.supplyAsync(() -> admin("wait", "--slave", "reporting", "--output", "json"));
        String marker = capture.awaitMarkerOrder();
        capture.send(stream.transaction(row(ORDERS, "b")), stream.marker(marker));
        capture.awaitAck(stream.position());
        assertFalse(waiting.isDone());
        control.report("in-sync", "", stream.position());
        Result done = waiting.get();
        assertEquals(0, done.exit(), done.err());
        assertEquals(2, done.json().path("appliedSeq").asInt());

        control.report("error", "duplicate key at seq 2", stream.position());
        Await.until("error", () -> slave().path("state").asText().equals("error"), this::slave);
        Result parked = admin("wait", "--slave", "reporting", "--timeout", "20s");
        assertEquals(1, parked.exit());
        assertTrue(parked.err().contains("public.orders is parked: duplicate key at seq 2"), parked.err());

        capture.close();
        Await.until("capture gone", () -> !admin("status", "--output", "json")
                .json()
                .path("master")
                .path("connected")
                .asBoolean());
        Result away = admin("wait", "--slave", "reporting");
        assertEquals(1, away.exit());
        assertTrue(away.err().contains("no capture is connected"), away.err());
    }

    /** A slave begins anew: its place is new, what it last said of its tables is not. */
    @Test
    void r07ShouldNotTakeASlaveForDoneThatHasNotYetReportedItsNewBeginning() throws Exception {
        inSync();
        TestLane anew = forwarder.lane("reporting", "main", null, "public.orders");
        anew.start();
        CompletableFuture<Result> waiting =
                CompletableFuture.supplyAsync(() -> admin("wait", "--slave", "reporting", "--timeout", "1s"));
        String marker = capture.awaitMarkerOrder();
        capture.send(stream.transaction(row(ORDERS, "b")), stream.marker(marker));
        capture.awaitAck(stream.position());
        anew.acknowledge(stream.position());
        Result early = waiting.get();
        assertEquals(1, early.exit(), early.out());
        assertTrue(early.err().contains("not within 1000 ms"), early.err());

        control.report("in-sync", "", stream.position());
        CompletableFuture<Result> again =
                CompletableFuture.supplyAsync(() -> admin("wait", "--slave", "reporting", "--timeout", "20s"));
        capture.send(stream.marker(capture.awaitMarkerOrder()));
        assertEquals(0, again.get().exit(), again.get().err());
    }

    @Test
    void shouldTimeOutWhenTheSlaveDoesNotApply() throws Exception {
        inSync();
        Result late = admin("wait", "--slave", "reporting", "--timeout", "300ms");
        assertEquals(1, late.exit());
        assertTrue(late.err().contains("not within 300 ms"), late.err());
    }

    @Test
    void shouldKeepCommandsUntilTheSlaveHasDoneThemAlsoAcrossARestart() throws Exception {
        forwarder.restart();
        Result queued = admin("slave", "pause", "reporting");
        assertEquals(0, queued.exit(), queued.err());
        assertTrue(queued.out().contains("queued (the slave is not connected)"), queued.out());
        assertEquals("paused", slave().path("state").asText());

        forwarder.restart();
        assertEquals("paused", slave().path("state").asText());
        control = new Control();
        SlaveCommand pause = control.awaitCommand("pause");
        CompletableFuture<Result> resumed = CompletableFuture.supplyAsync(() -> admin("slave", "resume", "reporting"));
        SlaveCommand resume = control.awaitCommand("resume");
        control.report("in-sync", "", base, pause.getId(), resume.getId());
        assertTrue(resumed.get().out().contains("resume done"), resumed.get().out());

        forwarder.restart();
        control = new Control();
        CompletableFuture<Result> skip =
                CompletableFuture.supplyAsync(() -> admin("slave", "skip", "reporting", "--seq", "17"));
        assertEquals(17, control.awaitCommand("skip").getSeq());
        assertEquals(1, control.commands.size(), "done commands are not sent again");
        control.report("in-sync", "", base, control.awaitCommand("skip").getId());
        assertEquals(0, skip.get().exit());
    }

    @Test
    void shouldRequestListAndCancelDumps() throws Exception {
        Result requested = admin("dump", "request", "--table", "public.orders", "--slave", "reporting");
        assertEquals("d-000001\n", requested.out(), requested.err());
        assertEquals(List.of("d-000001"), control.awaitCommand("restore").getDumpIdsList());
        assertEquals("d-000001", capture.awaitOrder(1).getTables(0).getDumpId());
        assertTrue(admin("dump", "list").out().contains("requested"));

        Result full = admin("dump", "request", "--full", "--output", "json");
        assertEquals(2, full.json().path("ids").size(), full.out());
        assertEquals(0, admin("dump", "cancel", "d-000001").exit());
        assertEquals(1, admin("dump", "cancel", "d-000001").exit());
        assertEquals(0, admin("dump", "drop", "d-000001").exit());

        Result unknown = admin("dump", "request", "--table", "public.nothing");
        assertEquals(1, unknown.exit());
        assertTrue(unknown.err().contains("no such table"), unknown.err());
        Result refused = admin("dump", "request", "--table", "public.customers", "--slave", "reporting");
        assertTrue(refused.err().contains("does not grant"), refused.err());
        assertEquals(2, admin("dump", "request").exit());
    }

    @Test
    void shouldReloadOrSayWhatIsWrongAndChangeNothing() throws Exception {
        forwarder.slave("third", "[]");
        assertTrue(admin("reload").out().contains("third"));
        Files.writeString(forwarder.slaveFile("third"), "slave: third\ntables: [x]\n");
        Result broken = admin("reload");
        assertEquals(2, broken.exit());
        assertTrue(broken.err().contains("third.yaml") && broken.err().contains("token"), broken.err());
        assertTrue(admin("slave", "list").out().contains("third"));

        Files.delete(forwarder.slaveFile("third"));
        assertEquals(0, admin("reload").exit());
        assertEquals(1, admin("slave", "show", "third").exit());
    }

    @Test
    void shouldNotForgetASlaveThatIsConnected() throws Exception {
        inSync();
        assertEquals(1, admin("slave", "forget", "reporting").exit());
        assertEquals(0, admin("slave", "forget", "mirror").exit());
    }

    @Test
    void shouldExplainAWrongTokenAndAMissingForwarder() throws Exception {
        Files.writeString(directory.resolve("admin.token"), "wrong");
        Result refused = admin("status");
        assertEquals(2, refused.exit());
        assertTrue(refused.err().contains("token"), refused.err());
        forwarder.daemon().close();
        Result away = admin("status");
        assertEquals(1, away.exit());
        assertFalse(away.err().contains("\tat "), away.err());
        forwarder.start();
    }

    @Test
    void shouldServeMetricsAndHealth() throws Exception {
        inSync();
        String metrics = get("/metrics").body();
        assertTrue(metrics.contains("replicator_queue_last_seq 1"), metrics);
        assertTrue(metrics.contains("replicator_slave_lag_transactions{slave=\"reporting\"} 0"), metrics);
        assertEquals(200, get("/health/live").statusCode());
        assertEquals(200, get("/health/ready").statusCode());
    }

    private HttpResponse<String> get(String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + forwarder.daemon().httpPort() + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }
}
