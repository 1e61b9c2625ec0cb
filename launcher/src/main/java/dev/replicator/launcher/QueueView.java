package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.cli.OutputFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all {@code queue} commands share: options, opening, errors, output. */
final class QueueView {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Work on an opened queue. */
    interface Work {
        /**
         * @return the exit code
         */
        int run(QueueInspector queue) throws IOException;
    }

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--directory", required = true, paramLabel = "DIR", description = "The queue's directory.")
    private Path directory;

    @Option(
            names = "--output",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "json or text; default: ${DEFAULT-VALUE}.")
    private OutputFormat output;

    Path directory() {
        return directory;
    }

    boolean isJson() {
        return output == OutputFormat.JSON;
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** Opens the queue and runs the work; every failure becomes an error for people with its exit code. */
    int with(String attempt, Work work) {
        try {
            QueueInspector queue = QueueInspector.open(directory);
            if (!queue.hasHistory()) {
                throw new ReplicatorException(
                        ErrorCode.NOT_FOUND,
                        attempt + ": there is no queue in " + directory,
                        "Give the directory that stands under queue: directory: in the daemon's configuration.");
            }
            return work.run(queue);
        } catch (CorruptRecordException e) {
            throw damage(attempt, e);
        } catch (NoSuchFileException e) {
            throw new ReplicatorException(
                    ErrorCode.NOT_FOUND,
                    attempt + ": " + e.getMessage(),
                    "Check --directory; a segment that was pruned meanwhile is gone for good.",
                    e);
        } catch (IOException e) {
            throw new ReplicatorException(ErrorCode.FAILED, attempt + ": " + e.getMessage(), "", e);
        }
    }

    static ReplicatorException damage(String attempt, CorruptRecordException e) {
        return new ReplicatorException(
                ErrorCode.DAMAGE,
                attempt + ": " + e.getMessage(),
                "Keep a copy of the file. docs/operating/recovering.md says how to go on.",
                e);
    }

    /** A generator on standard output that leaves it open. */
    JsonGenerator json() throws IOException {
        return JSON.createGenerator(out())
                .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                .useDefaultPrettyPrinter();
    }

    /** Ends a JSON document. */
    void end(JsonGenerator json) throws IOException {
        json.close();
        out().println();
        out().flush();
    }

    /** Commit time as ISO 8601 in UTC, or null when there is none. */
    static String time(long micros) {
        return micros == 0
                ? null
                : Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000)
                        .toString();
    }

    /** A table's name for people; its id where no schema is known. */
    static String tableName(Map<Integer, TableSchema> schemas, int tableId) {
        TableSchema schema = schemas.get(tableId);
        return schema == null ? "table id " + tableId : schema.name().toString();
    }
}
