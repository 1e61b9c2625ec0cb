package dev.replicator.forwarder;

import io.grpc.stub.ServerCallStreamObserver;

/** The far end of a call that nobody reads. */
final class NoObserver<T> extends ServerCallStreamObserver<T> {
    @Override
    public boolean isCancelled() {
        return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
        // It is never cancelled.
    }

    @Override
    public void setCompression(String compression) {
        // Nothing is sent.
    }

    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
        // It is always ready.
    }

    @Override
    public void request(int count) {
        // Nothing comes by itself.
    }

    @Override
    public void setMessageCompression(boolean enable) {
        // Nothing is sent.
    }

    @Override
    public void disableAutoInboundFlowControl() {
        // Nothing comes by itself.
    }

    @Override
    public void onNext(T value) {
        // Nobody reads.
    }

    @Override
    public void onError(Throwable error) {
        // Nobody reads.
    }

    @Override
    public void onCompleted() {
        // Nobody reads.
    }
}
