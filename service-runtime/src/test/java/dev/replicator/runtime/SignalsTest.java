package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class SignalsTest {
    @Test
    void shouldHearARealSignal() throws Exception {
        CountDownLatch heard = new CountDownLatch(1);
        Signals.process().on("HUP", heard::countDown);

        new ProcessBuilder("kill", "-HUP", Long.toString(ProcessHandle.current().pid()))
                .inheritIO()
                .start()
                .waitFor();

        assertTrue(heard.await(10, TimeUnit.SECONDS));
    }
}
