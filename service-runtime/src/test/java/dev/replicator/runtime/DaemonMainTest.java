package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DaemonMainTest {
    private static final Path CONFIG = Path.of("capture.yaml");

    private final Map<String, Runnable> handlers = new ConcurrentHashMap<>();
    private final FakeExit exit = new FakeExit();

    @TempDir
    Path directory;

    @Test
    void shouldEndWithZeroOnTerm() throws Exception {
        FakeDaemon daemon = new FakeDaemon();
        FutureTask<Integer> run = start(daemon, Duration.ofSeconds(30));
        daemon.waiting.await();

        handlers.get("TERM").run();

        assertEquals(0, run.get(10, TimeUnit.SECONDS));
        assertEquals(List.of("start", "close"), daemon.calls);
    }

    @Test
    void shouldReloadOnHangUpAndGoOnWhenThatFails() throws Exception {
        FakeDaemon daemon = new FakeDaemon();
        FutureTask<Integer> run = start(daemon, Duration.ofSeconds(30));
        daemon.waiting.await();

        handlers.get("HUP").run();
        daemon.failReload = true;
        handlers.get("HUP").run();
        handlers.get("INT").run();

        assertEquals(0, run.get(10, TimeUnit.SECONDS));
        assertEquals(List.of("start", "reload", "reload", "close"), daemon.calls);
    }

    @Test
    void shouldThrowWhyItFailed() throws Exception {
        FakeDaemon daemon = new FakeDaemon();
        daemon.failure = new ReplicatorException(ErrorCode.DAMAGE, "bad segment", "");
        DaemonMain main = main(Duration.ofSeconds(30));

        ReplicatorException thrown = assertThrows(ReplicatorException.class, () -> main.run(config -> daemon, CONFIG));

        assertSame(daemon.failure, thrown);
        assertEquals(List.of("start", "close"), daemon.calls);
    }

    @Test
    void shouldCloseWhatCouldNotStart() {
        FakeDaemon daemon = new FakeDaemon();
        daemon.failStart = true;
        DaemonMain main = main(Duration.ofSeconds(30));

        ReplicatorException thrown = assertThrows(ReplicatorException.class, () -> main.run(config -> daemon, CONFIG));

        assertEquals(ErrorCode.INTERNAL, thrown.code());
        assertEquals(List.of("start", "close"), daemon.calls);
    }

    @Test
    void shouldSayThatItIsReadyByAFile() throws Exception {
        FakeDaemon daemon = new FakeDaemon();
        FutureTask<Integer> run = start(daemon, Duration.ofSeconds(30));
        daemon.waiting.await();

        assertEquals(ProcessHandle.current().pid() + "\n", Files.readString(directory.resolve("ready")));

        handlers.get("TERM").run();
        run.get(10, TimeUnit.SECONDS);
        assertFalse(Files.exists(directory.resolve("ready")));
    }

    @Test
    void shouldEndTheProcessWhenTheDaemonDoesNotStop() throws Exception {
        FakeDaemon daemon = new FakeDaemon();
        daemon.closeMay = new CountDownLatch(1);
        FutureTask<Integer> run = start(daemon, Duration.ofMillis(50));
        daemon.waiting.await();

        handlers.get("TERM").run();

        assertTrue(exit.halted.await(10, TimeUnit.SECONDS));
        assertEquals(List.of(143), exit.codes);
        daemon.closeMay.countDown();
        run.get(10, TimeUnit.SECONDS);
    }

    private DaemonMain main(Duration stopLimit) {
        return new DaemonMain("capture", handlers::put, exit, stopLimit, Optional.of(directory.resolve("ready")));
    }

    private FutureTask<Integer> start(FakeDaemon daemon, Duration stopLimit) {
        FutureTask<Integer> run = new FutureTask<>(() -> main(stopLimit).run(config -> daemon, CONFIG));
        new Thread(run).start();
        return run;
    }

    private static final class FakeDaemon implements Daemon {
        private final List<String> calls = new CopyOnWriteArrayList<>();
        private final CountDownLatch waiting = new CountDownLatch(1);
        private CountDownLatch closeMay = new CountDownLatch(0);
        private volatile boolean failReload;
        private boolean failStart;
        private RuntimeException failure;

        @Override
        public void start() {
            calls.add("start");
            if (failStart) {
                throw new IllegalStateException("no");
            }
        }

        @Override
        public void reload() {
            calls.add("reload");
            if (failReload) {
                throw new IllegalStateException("broken file");
            }
        }

        @Override
        public void awaitEnd() throws InterruptedException {
            if (failure != null) {
                throw failure;
            }
            waiting.countDown();
            new CountDownLatch(1).await();
        }

        @Override
        public void close() {
            calls.add("close");
            boolean interrupted = false;
            while (true) {
                try {
                    closeMay.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static final class FakeExit implements Exit {
        private final List<Integer> codes = new CopyOnWriteArrayList<>();
        private final CountDownLatch halted = new CountDownLatch(1);

        @Override
        public void exit(int code) {
            codes.add(code);
        }

        @Override
        public void halt(int code) {
            codes.add(code);
            halted.countDown();
        }
    }
}
