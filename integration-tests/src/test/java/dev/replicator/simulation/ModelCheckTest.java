package dev.replicator.simulation;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/**
 * Random histories of the whole system, some from fixed seeds and then as many as fit into a budget of processor time
 * ({@code -Dmodel.seconds}) from seeds that no run had before. A failing one is printed as the shortest
 * history found.
 */
class ModelCheckTest {
    private static final int FIXED = 150;

    @Test
    void shouldKeepTheRulesInHistoriesFromFixedSeeds() {
        ModelCheck check = new ModelCheck(1);
        for (int seed = 1; seed <= FIXED && !check.hasFailed(); seed++) {
            check.one(seed);
        }
        report(check, 0);
    }

    @Test
    void shouldKeepTheRulesInHistoriesFromFreshSeeds() {
        long seconds = Long.getLong("model.seconds", 30);
        long seed = System.currentTimeMillis() * 1000;
        ModelCheck check = new ModelCheck(seed);
        long began = ModelCheck.cpuMillis();
        check.run(() -> ModelCheck.cpuMillis() - began < seconds * 1000);
        report(check, ModelCheck.cpuMillis() - began);
    }

    private static void report(ModelCheck check, long millis) {
        ModelCheck.output().println("Model check: " + check.summary(millis));
        if (check.hasFailed()) {
            ByteArrayOutputStream text = new ByteArrayOutputStream();
            check.explain(new PrintStream(text, true, StandardCharsets.UTF_8));
            assertFalse(check.hasFailed(), text.toString(StandardCharsets.UTF_8));
        }
    }
}
