FROM localhost/busybox
ONBUILD ENV E=1
ONBUILD COPY . /src
ONBUILD RUN echo $E > /x
