# Two stages: the SDK builds, a shell-less ASP.NET base runs. The restore is a layer of its own: it changes only with the packages.
# ReadyToRun compiles ahead, for a quick first answer; its compiler is a package, so the restore has to know.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# The SDK's image has the time zones, at least today.
RUN test -e /usr/share/zoneinfo/Europe/Berlin || (apt-get update && apt-get install -y --no-install-recommends tzdata)

COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/Lumiku.Gateway/Lumiku.Gateway.csproj src/Lumiku.Gateway/
RUN arch=$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/') \
 && dotnet restore src/Lumiku.Gateway -r linux-$arch -p:PublishReadyToRun=true

COPY appsettings.json appsettings.schema.json ./
COPY src/Lumiku.Gateway/ src/Lumiku.Gateway/
RUN arch=$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/') \
 && dotnet publish src/Lumiku.Gateway --no-restore -c Release -r linux-$arch --self-contained false -p:PublishReadyToRun=true -o /app \
 && ln -s Lumiku.Gateway /app/lumiku-gateway

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /app ./
# The base has no time zones; Quota:TimeZone names one.
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
ENV PATH="/app:$PATH" \
    DOTNET_EnableDiagnostics=0
EXPOSE 8080
USER $APP_UID
# The image has no shell and no curl; the program asks itself.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/app/Lumiku.Gateway", "healthcheck"]
ENTRYPOINT ["/app/Lumiku.Gateway"]
