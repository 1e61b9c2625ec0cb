package dev.replicator.launcher.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.runtime.cli.TextTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;

/** A run's figures as a table and as JSON. */
final class BenchReport {
    private final BenchRun run;

    BenchReport(BenchRun run) {
        this.run = run;
    }

    String table() throws SQLException {
        TextTable table = new TextTable("scenario", "what", "native", "replicator", "unit", "ratio", "bar", "holds");
        for (Figure figure : run.figures()) {
            table.row(
                    figure.scenario(),
                    figure.name(),
                    figure.nativeSide() == null ? "" : figure.nativeSide().text(),
                    figure.ours().text(),
                    figure.unit(),
                    figure.nativeSide() == null ? "" : Figure.decimal(figure.ratio()),
                    figure.bar() == null ? "" : figure.bar().text(),
                    figure.bar() == null ? "" : figure.holds() ? "yes" : "NO");
        }
        return table + "\n" + settings();
    }

    /** Both sides run on the same servers; native applies with the default of a subscription. */
    private String settings() throws SQLException {
        return "median (least to most); ratio: native by replicator, above 1 replicator needs less\n"
                + "master: synchronous_commit = " + setting(run.master(), "synchronous_commit") + ", fsync = "
                + setting(run.master(), "fsync") + "; target: fsync = " + setting(run.target(), "fsync")
                + ", both sides commit there with synchronous_commit = off\n"
                + "servers: " + setting(run.master(), "server_version") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors, took "
                + Duration.between(run.began(), Instant.now()).toSeconds() + " s";
    }

    private static String setting(BenchServer server, String name) throws SQLException {
        return server.text("postgres", "SHOW " + name);
    }

    String json() throws SQLException, JsonProcessingException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode node = mapper.createObjectNode();
        node.put("began", run.began().toString());
        node.put("seconds", Duration.between(run.began(), Instant.now()).toSeconds());
        node.put("processors", Runtime.getRuntime().availableProcessors());
        for (String name : new String[] {"server_version", "fsync", "full_page_writes", "synchronous_commit"}) {
            node.put("master." + name, setting(run.master(), name));
            node.put("target." + name, setting(run.target(), name));
        }
        node.put("target.applySynchronousCommit", "off (both sides)");
        var figures = node.putArray("figures");
        run.figures().forEach(figure -> figures.add(figure.json()));
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    }

    void writeJson(Path file) throws IOException, SQLException {
        Files.writeString(file, json() + "\n");
    }
}
