package dev.replicator.it.rules;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.replicator.embedded.Await;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What the daemons of this process say, as their operators read it: level and message. */
final class RecordedLog extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("dev.replicator");

    RecordedLog() {
        setContext(logger.getLoggerContext());
        start();
        logger.setLevel(Level.INFO);
        logger.addAppender(this);
    }

    @Override
    protected void append(ILoggingEvent event) {
        lines.add(event.getLevel() + " " + event.getFormattedMessage()
                + (event.getKeyValuePairs() == null ? "" : " " + event.getKeyValuePairs()));
    }

    List<String> lines() {
        return List.copyOf(lines);
    }

    /** The lines that contain a text. */
    List<String> matching(String text) {
        return lines.stream().filter(line -> line.contains(text)).toList();
    }

    /** Waits for a line that contains a text, and returns it. */
    String await(String text) {
        Await.until(
                "the log says '" + text + "'",
                Duration.ofSeconds(60),
                () -> !matching(text).isEmpty(),
                () -> String.join("\n", lines));
        return matching(text).get(0);
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(null);
    }
}
