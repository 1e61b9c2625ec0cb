package dev.replicator.launcher.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.runtime.cli.ProgressBar;

/** Shows how far a slave's tables are: a bar on a terminal, plain lines elsewhere. */
final class DemoProgress implements AutoCloseable {
    private final ProgressBar bar;

    DemoProgress(DemoConsole console, String slave) {
        bar = new ProgressBar(console.writer(), slave);
    }

    /** Takes a slave's object of the status document. */
    void show(JsonNode slave) {
        double sum = 0;
        int ready = 0;
        for (JsonNode table : slave.path("tables")) {
            boolean inSync = table.path("state").asText().equals("in-sync");
            ready += inSync ? 1 : 0;
            sum += inSync ? 1 : Math.min(0.95, table.path("progress").asDouble());
        }
        int tables = slave.path("tables").size();
        if (tables > 0) {
            bar.update(Math.round(100 * sum / tables), 100, ready + " of " + tables + " tables in sync");
        }
    }

    @Override
    public void close() {
        bar.close();
    }
}
