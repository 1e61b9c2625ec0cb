package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.Watermark;
import dev.replicator.queue.wire.WirePositions;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The lane's decoder thread: from the subscription into the intake, until the stream ends or the lane's tables change. */
final class StreamReader implements Runnable {
    private final LaneStream stream;
    private final RecordDecoder decoder;
    private final RecordStreamParser parser;
    private final Intake intake;

    StreamReader(String lane, LaneStream stream, RecordDecoder decoder, Intake intake) {
        this.stream = stream;
        this.decoder = decoder;
        this.parser = new RecordStreamParser("stream of lane " + lane, decoder);
        this.intake = intake;
    }

    @Override
    public void run() {
        try {
            while (!decoder.isStopped()) {
                intake.moreComing(stream.hasMore());
                receive(stream.take());
            }
            intake.moreComing(false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | RuntimeException e) {
            end(e);
        }
    }

    private void end(Exception reason) {
        try {
            intake.moreComing(false);
            intake.put(new LaneItem.Broken(Long.MAX_VALUE, reason));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void receive(ToLane message) throws IOException, InterruptedException {
        switch (message.getMessageCase()) {
            case RECORDS -> {
                intake.moreComing(true);
                // One copy makes an array of it, which decoding reads much faster than a read-only view.
                parser.feed(ByteBuffer.wrap(message.getRecords().toByteArray()));
            }
            case WATERMARK -> passed(message.getWatermark());
            case TABLE_SET -> {
                decoder.select(TableSetChange.selection(message.getTableSet()));
                intake.put(new LaneItem.NewTableSet(message.getTableSet().getAtSeq(), message.getTableSet()));
            }
            case START, MESSAGE_NOT_SET -> throw new IOException(
                    "the forwarder sent " + message.getMessageCase() + " in mid-stream");
        }
    }

    private void passed(Watermark watermark) throws InterruptedException {
        // Between the slices of one record it tells nothing that can be used.
        if (parser.isAtRecordBoundary()) {
            Position position = WirePositions.fromWire(watermark.getPosition());
            intake.put(new LaneItem.Passed(position, watermark.getCommitMicros()));
        }
    }
}
