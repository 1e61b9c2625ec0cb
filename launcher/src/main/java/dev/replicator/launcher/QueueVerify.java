package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.cli.Human;
import dev.replicator.runtime.cli.ProgressBar;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "verify",
        description = "Check every byte of the queue. Ends 3 and names file and offset when something is damaged.")
final class QueueVerify implements Callable<Integer> {
    private static final String ATTEMPT = "Verification found damage";

    @Mixin
    private QueueView view;

    @Override
    public Integer call() {
        return view.with("Cannot verify the queue in " + view.directory(), this::verify);
    }

    private int verify(QueueInspector queue) throws IOException {
        try {
            check(queue);
        } catch (CorruptRecordException e) {
            if (!view.isJson()) {
                throw QueueView.damage(ATTEMPT, e);
            }
            printDamage(e);
            return ErrorCode.DAMAGE.exitCode();
        }
        print(queue);
        return 0;
    }

    private void check(QueueInspector queue) throws IOException {
        if (view.isJson()) {
            queue.verify(done -> {});
            return;
        }
        long total = queue.sizeBytes();
        try (ProgressBar bar = new ProgressBar(view.err(), "verifying")) {
            queue.verify(done -> bar.update(done, total, Human.bytes(done)));
        }
    }

    private void print(QueueInspector queue) throws IOException {
        long records = queue.segments().stream()
                .mapToLong(segment -> segment.records())
                .sum();
        if (!view.isJson()) {
            view.out()
                    .println("no damage: " + Human.count(records) + " records in "
                            + queue.segments().size() + " segments, " + Human.bytes(queue.sizeBytes()));
            if (queue.uncommittedBytes() > 0) {
                view.out()
                        .println(Human.bytes(queue.uncommittedBytes()) + " behind the last complete commit group are"
                                + " being written, or are torn and will be cut at the next start");
            }
            view.out().flush();
            return;
        }
        JsonGenerator json = view.json();
        json.writeStartObject();
        json.writeBooleanField("damaged", false);
        json.writeNumberField("segments", queue.segments().size());
        json.writeNumberField("records", records);
        json.writeNumberField("bytes", queue.sizeBytes());
        json.writeNumberField("unfinishedBytes", queue.uncommittedBytes());
        json.writeEndObject();
        view.end(json);
    }

    private void printDamage(CorruptRecordException damage) throws IOException {
        JsonGenerator json = view.json();
        json.writeStartObject();
        json.writeBooleanField("damaged", true);
        json.writeStringField("file", damage.source());
        json.writeNumberField("offset", damage.offset());
        json.writeStringField("detail", damage.detail());
        json.writeEndObject();
        view.end(json);
    }
}
